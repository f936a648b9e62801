"""Kept connections to one engine, shared by threads: one request at a time on each, never more than a limit."""

import http.client
import io
import select
import socket
import threading
from typing import Any

from declare.engine.deadline import Deadline
from declare.engine.dial import Dial


class Connection(http.client.HTTPConnection):
    """An open stream that speaks HTTP, with the deadline of the call that holds it. It never opens itself again."""

    auto_open = 0

    def __init__(self, stream: socket.socket) -> None:
        super().__init__("localhost")
        self._wire = _Wire(stream)
        self.sock: Any = self._wire  # http.client asks of a socket for sendall, makefile and close alone
        self.requests = 0

    def bind(self, deadline: Deadline) -> None:
        """From now on every wait counts against this deadline."""
        self._wire.deadline = deadline

    def is_quiet(self) -> bool:
        """Whether nothing has come since the last reply: bytes or an end would make the next reply wrong."""
        poll = select.poll()
        poll.register(self._wire.stream, select.POLLIN)
        return not poll.poll(0)


class Pool:
    """`take` gives a connection, kept or new; each must come back through `give_back` or `drop`."""

    def __init__(self, dial: Dial, *, limit: int) -> None:
        self._dial = dial
        self._slots = threading.BoundedSemaphore(limit)
        self._idle: list[Connection] = []

    def take(self, deadline: Deadline) -> Connection:
        """Raises OSError; TimeoutError also when all connections stay in use."""
        if not self._slots.acquire(timeout=deadline.left()):
            raise TimeoutError
        try:
            connection = self._take_kept() or Connection(self._dial(deadline))
        except BaseException:
            self._slots.release()
            raise
        connection.bind(deadline)
        return connection

    def _take_kept(self) -> Connection | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_quiet():
                return connection
            connection.close()

    def give_back(self, connection: Connection) -> None:
        self._idle.append(connection)
        self._slots.release()

    def drop(self, connection: Connection) -> None:
        connection.close()
        self._slots.release()

    def close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


class _Wire:
    """What http.client takes for a socket: each wait gets what is left of the deadline, so a trickle can't hold us."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.deadline: Deadline

    def sendall(self, content: bytes) -> None:
        self.stream.settimeout(self.deadline.left())
        self.stream.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        self.stream.close()


class _Incoming(io.RawIOBase):
    def __init__(self, wire: _Wire) -> None:
        self._wire = wire
        # The socket's own file object keeps the stream open until it is closed, which http.client relies on.
        self._file = wire.stream.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._wire.stream.settimeout(self._wire.deadline.left())
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()
