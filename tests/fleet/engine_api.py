"""The few calls to an engine that the fleet itself makes, straight over its unix socket: no client needed."""

import http.client
import socket
from pathlib import Path

from tests.fleet.errors import FleetError


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, *, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def answers(path: Path) -> bool:
    """Whether an engine answers its ping on this socket."""
    try:
        return call(path, "GET", "/_ping", timeout=2) == b"OK"
    except (OSError, FleetError, http.client.HTTPException):
        return False


def load_images(path: Path, archive: Path) -> None:
    with archive.open("rb") as content:
        answer = call(path, "POST", "/images/load?quiet=1", body=content, timeout=120)
    if b'"error"' in answer:
        raise FleetError(f"loading {archive}: {answer.decode(errors='replace')}")


def call(path: Path, method: str, target: str, *, body: object = None, timeout: float = 30) -> bytes:
    """The reply's body; an error status raises FleetError."""
    connection = _UnixConnection(path, timeout=timeout)
    try:
        headers = {"Content-Type": "application/x-tar"} if body else {}
        connection.request(method, target, body=body, headers=headers)  # type: ignore[arg-type]
        reply = connection.getresponse()
        content = reply.read()
    finally:
        connection.close()
    if reply.status >= 400:
        raise FleetError(f"{method} {target}: {reply.status} {content.decode(errors='replace').strip()}")
    return content
