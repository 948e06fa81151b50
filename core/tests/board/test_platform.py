import radiopool
from radiopool import platform
from radiopool.platform import CPYTHON, now_ms


def test_the_clock_does_not_go_back_however_rarely_it_is_read():
    before = now_ms()
    assert now_ms() >= before
    if CPYTHON:
        return
    from time import ticks_add

    # In bytecode it is a name of the package, with which the module is linked.
    home = platform if hasattr(platform, "ticks_ms") else radiopool
    real = home.ticks_ms
    wrap = ticks_add(0, -1) + 1
    at = [real()]
    before = now_ms()
    home.ticks_ms = lambda: at[0]
    try:
        # Nine tenths of what the port's clock counts to, and what it counts to wholly.
        for step in (wrap // 10 * 9, wrap - 1, 1):
            at[0] = (at[0] + step) % wrap
            after = now_ms()
            assert -60_000 < after - before - step < 60_000, (before, after, step)
            before = after
    finally:
        home.ticks_ms = real
        now_ms()
