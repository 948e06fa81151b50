"""Fork, exit, descriptors: what a process sees."""

import os
import socket
import subprocess
import sys

import pytest

HOST = "127.0.0.1"

PROC = "/proc/self/fd"


def connections_to(port):
    """How many descriptors of this process are connections to that port."""
    found = 0
    for name in os.listdir(PROC):
        try:
            if not os.readlink(f"{PROC}/{name}").startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(name))) as copy:
                found += copy.getpeername()[1] == port
        except OSError:
            pass  # no socket, not connected, or gone meanwhile
    return found


@pytest.mark.skipif(not os.path.isdir(PROC), reason="needs /proc")
def test_no_descriptor_is_left_after_close_all(make, port):
    manager = make(budget=8)
    before = connections_to(port)
    for number in range(50):
        with manager.lease(HOST, port, str(number)):
            pass
        assert connections_to(port) - before == min(number + 1, 8)
    manager.close_all()
    assert connections_to(port) == before


FORK = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of fork with threads, which is what this is about
from radiopool import manager_for, Policy
from radiopool_cpython import HostNetwork
port = int(sys.argv[1])
manager = manager_for(HostNetwork(), Policy(budget=2))
idle = manager.get_socket("127.0.0.1", port, "")
manager.free_socket(idle)
out = manager.get_socket("127.0.0.1", port, "other")
stop = threading.Event()
def churn():
    while not stop.is_set():
        with manager.lease("127.0.0.1", port): pass
busy = threading.Thread(target=churn)
busy.start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        # The child has no sockets, and can lease its own at once; the lock is not held by a thread it lacks.
        assert manager.managed_socket_count == 0
        manager.free_socket(out)
        with manager.lease("127.0.0.1", port, "child", timeout=5) as sock:
            sock.sendall(b"echo 1\\nc")
            assert sock.recv(1) == b"c"
        manager.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
busy.join()
# The parent's connections are untouched: the peer saw no end on them.
for sock in (out,):
    sock.sendall(b"echo 2\\nhi")
    assert sock.recv(2) == b"hi"
manager.free_socket(out)
manager.close()
print("fine")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_never_touches_the_parents_sockets(port):
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", FORK, str(port)], capture_output=True, text=True, timeout=60
    )
    assert (run.stdout, run.stderr) == ("fine\n", "")


EXIT = """
import sys, threading
from radiopool import manager_for, Policy
from radiopool_cpython import HostNetwork
port = int(sys.argv[1])
manager = manager_for(HostNetwork(), Policy(budget=1))
with manager.lease("127.0.0.1", port): pass
other = manager_for()
with other.lease("127.0.0.1", port): pass
waiting = threading.Thread(target=lambda: manager.get_socket("127.0.0.1", port, ""), daemon=True)
sock = manager.get_socket("127.0.0.1", port, "")
waiting.start()
manager.free_socket(sock)
waiting.join()
del waiting
"""


def test_the_interpreter_exits_without_a_word(port):
    """Idle sockets are closed at exit. The leased one is its user's to close, so its thread's is detached first."""
    program = EXIT + "\nmanager._account.ledger.find(sock).socket.close()\n"
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program, str(port)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_a_waiting_thread_does_not_keep_the_interpreter(port):
    program = EXIT.split("sock = manager")[0] + (
        "sock = manager.get_socket('127.0.0.1', port, '')\n"
        "waiting.start()\n"
        "while not manager.stats()['waiting']: pass\n"
        "sock.close()\n"
    )
    run = subprocess.run([sys.executable, "-c", program, str(port)], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
