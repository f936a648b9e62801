"""HTTP/1.1 messages passed on piece by piece, as they come: for a proxy that must not change or delay a byte."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PIECE = 65536
Sink = Callable[[bytes], object]


class Closed(Exception):
    """The other side closed in the middle of a message, or before one."""


class Reader:
    """Reads one side of a connection; what was received and not yet asked for stays in `rest`."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.rest = b""

    def head(self) -> "Head":
        """The next message's first line and header, with the empty line."""
        while b"\r\n\r\n" not in self.rest:
            self._receive()
        text, _, self.rest = self.rest.partition(b"\r\n\r\n")
        return Head(text + b"\r\n\r\n")

    def body(self, framing: "Framing") -> Iterator[bytes]:
        """The message's body as it is on the wire, chunk sizes included."""
        if framing.chunked:
            yield from self._chunks()
        elif framing.length is None:
            yield from self.until_closed()
        else:
            yield from self._exactly(framing.length)

    def until_closed(self) -> Iterator[bytes]:
        if self.rest:
            yield self._take(len(self.rest))
        while piece := self.connection.recv(PIECE):
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        size = -1
        while size:
            line = self._line()
            size = int(line.split(b";")[0], 16)
            yield line
            yield from self._exactly(size + 2 if size else 0)
        while (line := self._line()) != b"\r\n":
            yield line
        yield line

    def _line(self) -> bytes:
        while b"\r\n" not in self.rest:
            self._receive()
        return self._take(self.rest.index(b"\r\n") + 2)

    def _exactly(self, length: int) -> Iterator[bytes]:
        while length:
            if not self.rest:
                self._receive()
            piece = self._take(min(length, len(self.rest)))
            length -= len(piece)
            yield piece

    def _take(self, length: int) -> bytes:
        taken, self.rest = self.rest[:length], self.rest[length:]
        return taken

    def _receive(self) -> None:
        piece = self.connection.recv(PIECE)
        if not piece:
            raise Closed
        self.rest += piece


@dataclass(frozen=True, slots=True)
class Framing:
    """How long a body is: in chunks, of a known length, or (None) until the connection is closed."""

    chunked: bool = False
    length: int | None = 0


@dataclass(frozen=True, slots=True)
class Head:
    raw: bytes

    @property
    def words(self) -> list[str]:
        """Of the first line: method, path, version; or version, status, reason."""
        return self.raw.partition(b"\r\n")[0].decode("latin-1").split(" ", 2)

    def field(self, name: str) -> str:
        for line in self.raw.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip().lower()
        return ""

    def request_framing(self) -> Framing:
        if "chunked" in self.field("transfer-encoding"):
            return Framing(chunked=True)
        return Framing(length=int(self.field("content-length") or 0))

    def reply_framing(self, *, method: str) -> Framing:
        status = int(self.words[1])
        if method == "HEAD" or status in (204, 304) or status < 200:
            return Framing()
        if "chunked" in self.field("transfer-encoding"):
            return Framing(chunked=True)
        length = self.field("content-length")
        return Framing(length=int(length) if length else None)
