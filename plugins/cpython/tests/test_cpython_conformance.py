"""The driver kit, all levels; its checks cover IPv4, IPv6, plain and TLS."""

import pytest

from radiopool.testing.pytest import DriverConformance
from radiopool_cpython import CPythonDriver, HostNetwork


class TestHostNetwork(DriverConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def driver(cls):
        return CPythonDriver()

    @pytest.fixture(scope="class")
    @classmethod
    def radio(cls):
        return HostNetwork(budget=(4, 2))
