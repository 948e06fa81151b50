"""Real peers on loopback: servers that do what a check tells them, over TCP, TLS and UDP. CPython only.

    with Peers() as peers:
        report = run(Bench(driver, radio, peers))

`python -m radiopool.testing.peers` serves in a process of its own, for a board on the same network or for a check that
uses up its own process's descriptors; it prints the arguments of `Peer` as JSON and serves until its input ends.
"""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from typing import Any

import trustme

from radiopool.testing.bench import Peer
from radiopool.testing.conversation import Conversation

MOST_SILENCE = 30
"""Seconds until the port "silent" closes a connection on which nothing comes."""

TLS_FAULTS = ("expired", "wrong name", "untrusted")


class Certificates:
    """A CA, and the TLS contexts of servers whose certificates are good or bad, by the word of their port."""

    def __init__(self, name: str, host: str) -> None:
        authority, stranger = trustme.CA(), trustme.CA()
        names = list(dict.fromkeys((name, "localhost", host)))
        past = datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc)
        certificates = {
            "tls": authority.issue_cert(*names),
            "expired": authority.issue_cert(*names, not_before=past, not_after=past + datetime.timedelta(days=1)),
            "wrong name": authority.issue_cert("other.test"),
            "untrusted": stranger.issue_cert(*names),
        }
        self.ca = authority.cert_pem.bytes().decode()
        self.contexts: dict[str, ssl.SSLContext] = {}
        for word, certificate in certificates.items():
            self.contexts[word] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(self.contexts[word])


class Peers(Peer):
    """A `Peer` that serves, from entering to leaving its `with` block, on free ports of `host`.

    Ports: "plain" and "ipv6" obey (see `conversation`); "narrow" does so behind small buffers; "tls", "expired", "wrong
    name" and "untrusted" do so after a TLS handshake with such a certificate; "udp" sends every datagram back; "silent"
    accepts, says nothing and closes after a while; "refused" is closed; "blackhole" never answers (a listener whose
    backlog is full; Linux only). `open` is the number of connections that are open here.
    """

    def __init__(self, host: str = "127.0.0.1", name: str = "peer.test") -> None:
        certificates = Certificates(name, host)
        super().__init__(host, {}, name, certificates.ca)
        self._contexts = certificates.contexts
        self._stopping = threading.Event()
        self._hearing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listening: list[socket.socket] = []
        # Guards the threads and the next two: every connection has a thread.
        self._lock = threading.Lock()
        self._streams: set[socket.socket] = set()
        self.total = 0

    @property
    def open(self) -> int:
        """How many connections are open at this peer."""
        with self._lock:
            return len(self._streams)

    def __enter__(self) -> Peers:
        try:
            self._listen("plain", self.host, self._obey)
            self._listen("narrow", self.host, self._obey, narrow=True)
            for word, context in self._contexts.items():
                self._listen(word, self.host, self._obey_after_handshake(context))
            self._listen("silent", self.host, self._say_nothing)
            self._udp()
            self._refuse()
            if sys.platform == "linux":
                self._swallow()
            if ":" in self.host:
                self.ipv6_host, self.ports["ipv6"] = self.host, self.ports["plain"]
            elif _has_ipv6():
                self._listen("ipv6", self.ipv6_host, self._obey)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._hearing.set()
        for listener in self._listening:
            _shut(listener)
        with self._lock:
            for stream in self._streams:
                _shut(stream)
        while self._threads:
            self._threads.pop().join()
        for listener in self._listening:
            listener.close()

    def as_dict(self) -> dict[str, Any]:
        """The arguments of a `Peer` that describes this one, for another process."""
        return {"host": self.host, "ports": self.ports, "name": self.name, "ca": self.ca, "ipv6_host": self.ipv6_host}

    # -- the ports

    def _bind(self, word: str, host: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
        made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
        self._listening.append(made)
        made.bind((host, 0))
        self.ports[word] = made.getsockname()[1]
        return made

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        with self._lock:
            self._threads = [known for known in self._threads if known.is_alive()]
            thread.start()
            self._threads.append(thread)

    def _listen(self, word: str, host: str, serve: Callable[[socket.socket], None], narrow: bool = False) -> None:
        listener = self._bind(word, host)
        if narrow:
            # A sender's buffer follows its peer's, and the size of segments that the peer asks for: 30 KB fill both.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        listener.listen(128)
        self._start(self._accept, listener, serve)

    def _accept(self, listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        while not self._stopping.is_set():
            try:
                stream, _ = listener.accept()
            except OSError:
                # Out of descriptors, if not the end.
                self._stopping.wait(0.01)
                continue
            with self._lock:
                self.total += 1
                self._streams.add(stream)
                stopped = self._stopping.is_set()
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if stopped:
                self._finish(stream)
            else:
                self._start(self._serve, stream, serve)

    def _serve(self, stream: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        try:
            serve(stream)
        except OSError:
            pass
        finally:
            self._finish(stream)

    def _finish(self, stream: socket.socket) -> None:
        with self._lock:
            self._streams.discard(stream)
        stream.close()

    def _obey(self, stream: socket.socket) -> None:
        Conversation(stream, self._stopping, self._hearing, lambda: self.open).serve()

    def _obey_after_handshake(self, context: ssl.SSLContext) -> Callable[[socket.socket], None]:
        def serve(stream: socket.socket) -> None:
            # A descriptor of its own, so that `stream` can be shut down from outside until the end.
            with context.wrap_socket(stream.dup(), server_side=True) as wrapped:
                Conversation(wrapped, self._stopping, self._hearing, lambda: self.open).serve()

        return serve

    def _say_nothing(self, stream: socket.socket) -> None:
        # A client that ignores its timeout is not to wait for ever.
        stream.settimeout(MOST_SILENCE)
        while stream.recv(4096):
            pass

    def _udp(self) -> None:
        datagrams = self._bind("udp", self.host, socket.SOCK_DGRAM)
        # shutdown() does not wake a reader of datagrams everywhere.
        datagrams.settimeout(0.1)
        self._start(self._send_back, datagrams)

    def _send_back(self, datagrams: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                data, sender = datagrams.recvfrom(65536)
                datagrams.sendto(data, sender)
            except OSError:
                continue

    def _refuse(self) -> None:
        # Bound and not listening: refused, and nobody else can take the port.
        self._bind("refused", self.host)

    def _swallow(self) -> None:
        listener = self._bind("blackhole", self.host)
        listener.listen(0)
        # One connection fills the queue; the SYNs of all others are dropped (Linux, tcp_v4_conn_request).
        for _ in range(3):
            filler = socket.socket(listener.family)
            self._listening.append(filler)
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())


def _shut(stream: socket.socket) -> None:
    """Wake whoever blocks on it."""
    try:
        stream.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            return True
    except OSError:
        return False


def main() -> None:
    """Serve on the address given as the first argument (default: loopback) until standard input ends."""
    with Peers(*sys.argv[1:2]) as peers:
        print(json.dumps(peers.as_dict()), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
