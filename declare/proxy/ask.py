"""One HTTP question over a connection that is there already, within a deadline; and what nginx answers of itself."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from declare.model.engine import EngineReader
from declare.model.errors import HostError
from declare.proxy.config import Acknowledgement, Answer, parse_answer

_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """Status and body, as far as it was read; a body sent in chunks is left as it came."""

    status: int
    body: bytes


def get(connection: socket.socket, *, host: str, path: str, timeout: float) -> Response:
    """GET `path`, and the first 64 KiB of the answer. Raises OSError, also for what is not HTTP or not in time."""
    deadline = time.monotonic() + timeout
    question = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: declare\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    connection.settimeout(timeout)
    connection.sendall(question.encode("ascii", "strict"))
    received = b""
    while len(received) < _LIMIT and not _is_whole(received):
        connection.settimeout(_left(deadline))
        if not (piece := connection.recv(16 * 1024)):
            break
        received += piece
    return _parse(received)


def ask_config(engine: EngineReader, ack: Acknowledgement, *, timeout: float = 2.0) -> Answer | None:
    """What nginx on that engine's host says of its configuration; None if it can't be asked or says something else."""
    return ask_over(
        lambda: engine.connect(ack.address or engine.address, ack.port, timeout=timeout), ack, timeout=timeout
    )


def ask_over(connect: Callable[[], socket.socket], ack: Acknowledgement, *, timeout: float) -> Answer | None:
    """The same over a connection made by `connect`."""
    try:
        with connect() as connection:
            response = get(connection, host=ack.host, path=ack.path, timeout=timeout)
    except (OSError, HostError):
        return None
    return parse_answer(response.body.decode("ascii", "replace")) if response.status == 200 else None


def answers_http(engine: EngineReader, address: str, port: int, *, timeout: float = 2.0) -> bool:
    """Whether anything speaks HTTP there. An open connection alone says nothing where it leads through ssh."""
    try:
        with engine.connect(address, port, timeout=timeout) as connection:
            get(connection, host=address, path="/", timeout=timeout)
    except (OSError, HostError):
        return False
    return True


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left


def _split(received: bytes) -> tuple[list[bytes], bytes] | None:
    head, blank, body = received.partition(b"\r\n\r\n")
    return (head.split(b"\r\n"), body) if blank else None


def _is_whole(received: bytes) -> bool:
    """Whether a length was announced and has arrived; without one the answer ends with the connection."""
    if (parts := _split(received)) is None:
        return False
    for line in parts[0][1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return len(parts[1]) >= int(value)
    return False


def _parse(received: bytes) -> Response:
    parts = _split(received)
    words = parts[0][0].split(b" ", 2) if parts else []
    if parts is None or len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise ConnectionError("the answer is not HTTP" if received else "closed without an answer")
    return Response(int(words[1]), parts[1])
