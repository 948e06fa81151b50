"""Settings of core's property tests."""

import os

from hypothesis import HealthCheck, settings

# In CI the same histories every time, so that a red run can be repeated; at a desk new ones every time.
settings.register_profile(
    "radiopool",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("radiopool")
