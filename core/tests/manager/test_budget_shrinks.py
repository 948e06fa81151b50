"""A budget that shrinks while sockets are leased: what is given back beyond it is closed, not kept idle."""

from collections.abc import Iterator

import pytest

from radiopool import ConnectionManager
from radiopool.testing import Bench
from radiopool.testing.loopback import LoopbackDriver, LoopbackRadio
from radiopool.testing.peers import Peers


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    with Peers() as serving:
        yield serving


@pytest.fixture
def bench(peers: Peers) -> Iterator[Bench]:
    bench = Bench(LoopbackDriver(), LoopbackRadio(), peers)
    yield bench
    bench.tidy()


def give_all_back(manager: ConnectionManager, entries: "list[object]") -> None:
    for entry in entries:
        manager.recycle(entry)  # type: ignore[arg-type]


def test_sockets_given_back_beyond_the_budget_are_closed(bench: Bench) -> None:
    manager = bench.manager()
    entries = [bench.lease(manager, str(number)) for number in range(3)]
    manager.set_budget(1)
    give_all_back(manager, entries)
    assert manager.managed_socket_count == manager.available_socket_count == len(bench.radio.table) == 1
    assert manager.stats()["closed"] == {"evicted": 2}


def test_tls_sockets_given_back_beyond_the_tls_budget_are_closed(bench: Bench) -> None:
    manager = bench.manager()
    context = bench.context()
    entries = [bench.lease(manager, str(number), context) for number in range(2)]
    manager.set_budget((4, 1))
    give_all_back(manager, [*entries, bench.lease(manager, "plain")])
    assert manager.stats()["tls"] == 1
    assert manager.available_socket_count == len(bench.radio.table) == 2
