"""An hour of use on a clock that is told: networks come and go, servers restart, idle connections are closed.

The emulator's own table is the witness that no number is lost.
"""

import random

import pytest

from radiopool import ConnectionManager, Policy
from radiopool.errors import RadiopoolError
from radiopool.http import PoolManager
from radiopool.http.exceptions import HTTPError
from radiopool.vocabulary import EVICTED, EXPIRED, IDLE_TIMEOUT, STALE

HOUR = 3600
STEP = 5
HOSTS = 7


def serve(connection):
    pending = b""
    while True:
        while b"\r\n\r\n" not in pending:
            more = connection.recv(65536)
            if not more:
                return
            pending += more
        _, _, pending = pending.partition(b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


class Clock:
    now = 0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("seed", [1, 2])
def test_an_hour_loses_no_number(chip, server_context, seed):
    chance = random.Random(seed)
    clock = Clock()
    peers = [chip.serve(serve, name="h%d.example" % number) for number in range(HOSTS)]
    peers += [
        chip.serve(serve, 443, "s%d.example" % number, server_context("s%d.example" % number)) for number in (0, 1)
    ]
    policy = Policy(idle_timeout=25, max_age=45)
    events = {"lost": 0, "restarted": 0, "hung up": 0, "failed": 0, "served": 0, "held": 0}
    network_is_up = True
    with ConnectionManager(chip.pool, driver=chip.driver, radio=chip.radio, policy=policy, clock=clock) as manager:
        held = None
        with PoolManager(manager=manager, num_pools=5, timeout=5, retries=1) as http:
            for _ in range(0, HOUR, STEP):
                clock.now += STEP * 1000
                event = chance.random()
                if event < 0.02 and network_is_up:
                    chip.emulator.lose_access_point()
                    network_is_up = False
                    events["lost"] += 1
                elif event < 0.3 and not network_is_up:
                    chip.emulator.find_access_point()
                    network_is_up = True
                elif event < 0.06:
                    chip.restart(chance.choice(chip.peers))
                    events["restarted"] += 1
                elif event < 0.12:
                    chance.choice(chip.peers).hang_up()
                    events["hung up"] += 1
                if held is None and network_is_up and chance.random() < 0.05:
                    held = manager.get_socket("h0.example", 80, "kept")
                    events["held"] += 1
                elif held is not None and chance.random() < 0.1:
                    manager.close_socket(held)
                    held = None
                peer = chance.choice(chip.peers)
                scheme = "https" if peer.port == 443 else "http"
                try:
                    assert http.request("GET", "%s://%s/" % (scheme, peer.name)).data == b"ok"
                    events["served"] += 1
                except (RadiopoolError, HTTPError):
                    # A connection that died after it was looked at is retried; so only a lost network fails a request.
                    assert not network_is_up
                    events["failed"] += 1
                agree(chip, manager)
        if held is not None:
            manager.close_socket(held)
        manager.close_all()
        stats = manager.stats()
    assert chip.table.in_use == []
    assert chip.pool.numbers == {}
    assert chip.radio._tls_socket is None
    assert stats["peak"] == 6
    assert min(events.values()) > 0, events
    assert events["served"] > 500
    for reason in (EVICTED, STALE, IDLE_TIMEOUT, EXPIRED):
        assert stats["closed"][reason] > 0, stats
    assert len(peers) == HOSTS + 2


def agree(chip, manager):
    """Every number in use is some open socket's, and none is anybody's twice."""
    assert set(chip.table.in_use) <= set(chip.pool.numbers), (chip.table, chip.pool)
    assert len(chip.pool.numbers) <= manager.managed_socket_count <= 6
    assert len({id(owner) for owner in chip.pool.numbers.values()}) == len(chip.pool.numbers)
