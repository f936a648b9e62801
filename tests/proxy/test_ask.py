"""One question over a socket: answered whole, or an OSError within the time."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable

import pytest

from declare.proxy.ask import Response, get

asked: list[bytes] = []


def ask(serve: Callable[[socket.socket], object], *, timeout: float = 2.0) -> Response:
    ours, theirs = socket.socketpair()

    def answer() -> None:
        # What is left unread would turn the end of the connection into a reset.
        asked.append(theirs.recv(4096))
        with theirs, contextlib.suppress(OSError):
            serve(theirs)

    server = threading.Thread(target=answer)
    server.start()
    try:
        with ours:
            return get(ours, host="a.org", path="/x", timeout=timeout)
    finally:
        server.join()


def test_the_question_is_plain_http() -> None:
    assert ask(lambda connection: connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")) == Response(204, b"")
    assert asked[-1].startswith(b"GET /x HTTP/1.1\r\nHost: a.org\r\n")


def test_an_announced_body_is_not_waited_for_longer_than_announced() -> None:
    held = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\ncontent-LENGTH: 5\r\n\r\nhel")
        connection.sendall(b"lo")
        held.wait(5)

    started = time.monotonic()
    ours, theirs = socket.socketpair()
    server = threading.Thread(target=serve, args=(theirs,))
    server.start()
    assert get(ours, host="a", path="/", timeout=4) == Response(200, b"hello")
    assert time.monotonic() - started < 2
    held.set()
    server.join()
    ours.close()
    theirs.close()


@pytest.mark.parametrize(
    "sent", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200"]
)
def test_what_is_not_http_is_an_error(sent: bytes) -> None:
    with pytest.raises(OSError, match=r"not HTTP|without an answer"):
        ask(lambda connection: connection.sendall(sent))


def test_a_server_that_drips_is_cut_off_in_time() -> None:
    def serve(connection: socket.socket) -> None:
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.05)

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        ask(serve, timeout=0.3)
    assert time.monotonic() - started < 2


def test_an_endless_answer_is_cut_off_in_size() -> None:
    answer = ask(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000_000))
    assert len(answer.body) < 100_000
