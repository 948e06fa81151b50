"""Interleaved rounds: what is compared runs in turn, so that a drift of the machine meets all alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping


def microseconds(
    functions: Mapping[str, Callable[[], object]],
    calls: int = 2000,
    rounds: int = 15,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """The median, over the rounds, of what one call of each takes, in microseconds of that clock."""
    samples: dict[str, list[float]] = {name: [] for name in functions}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, function in functions.items():
                begun = clock()
                for _ in range(calls):
                    function()
                samples[name].append((clock() - begun) / calls * 1e6)
    finally:
        gc.enable()
    return {name: statistics.median(values) for name, values in samples.items()}
