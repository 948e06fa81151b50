"""A manager over real sockets on loopback, with a clock that the test moves; every test must close what it opened."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from radiopool import ConnectionManager, Policy
from radiopool.testing.bench import Clock
from radiopool.testing.peers import Peers
from radiopool_cpython import CPythonDriver, HostNetwork


class Counting(CPythonDriver):
    """The real driver, counting: `open` from before a socket is made until after it is closed, and the `most`."""

    def __init__(self) -> None:
        super().__init__()
        self.open = self.most = self.connects = 0
        self.refuse: Exception | None = None
        self.made: set[Any] = set()
        self.closed: list[Any] = []

    def connect(self, *arguments: Any) -> Any:
        self.connects += 1
        if self.refuse is not None:
            raise self.refuse
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            socket = super().connect(*arguments)
        except BaseException:
            self.open -= 1
            raise
        self.made.add(socket)
        return socket

    def close(self, socket: Any) -> None:
        super().close(socket)
        if socket in self.made:  # not one that came through the socket-pool face
            self.open -= 1
        self.closed.append(socket)


@pytest.fixture(scope="session")
def peers() -> Iterator[Peers]:
    with Peers() as peers:
        yield peers


@pytest.fixture
def port(peers: Peers) -> int:
    """The port of a peer that obeys its client's commands (`radiopool.testing.conversation`)."""
    return peers.ports["plain"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def driver() -> Counting:
    return Counting()


@pytest.fixture
def make(driver: Counting, clock: Clock) -> Iterator[Callable[..., ConnectionManager]]:
    """Makes managers, each over a network of its own: `make(budget=4, ...)`, the arguments of a Policy."""
    made = []

    def make(**policy: Any) -> ConnectionManager:
        pool = HostNetwork().socket_pool
        made.append(ConnectionManager(pool, driver=driver, policy=Policy(**policy), clock=clock))
        return made[-1]

    yield make
    for manager in made:
        manager.close()
        assert manager.stats()["leased"] == 0, "a test gives back what it leased"
    assert driver.open == 0, "everything opened is closed"


def ask(socket: Any, command: bytes, size: int) -> bytes:
    """What the peer answers to a command: `size` bytes."""
    socket.sendall(command)
    answer = b""
    while len(answer) < size:
        piece = socket.recv(size - len(answer))
        if not piece:
            break
        answer += piece
    return answer


@pytest.fixture(name="ask")
def the_asking() -> Callable[[Any, bytes, int], bytes]:
    return ask
