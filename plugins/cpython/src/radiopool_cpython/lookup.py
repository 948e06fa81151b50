"""Name lookup that ends in time. The system's resolver has no timeout; a thread that we stop waiting for has."""

import queue
import threading
from typing import Any


def addresses(pool: Any, host: str, port: int, seconds: "float | None") -> "list[Any]":
    """`pool.getaddrinfo` for TCP, given up after `seconds` (None: never).

    Raises TimeoutError, or what getaddrinfo raises. The thread is a daemon: a resolver that hangs ends by itself, and
    delays neither the caller nor the interpreter's exit.
    """
    if seconds is None:
        return pool.getaddrinfo(host, port, 0, pool.SOCK_STREAM)  # type: ignore[no-any-return]
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(pool.getaddrinfo(host, port, 0, pool.SOCK_STREAM))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, name=f"radiopool lookup of {host}", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError("timed out") from None
    if isinstance(answer, Exception):
        raise answer
    return answer  # type: ignore[no-any-return]
