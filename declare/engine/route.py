"""How one engine is reached, and from there a port of its host: straight, or through ssh."""

import socket
from typing import Protocol

from declare.engine.deadline import Deadline
from declare.engine.dial import Dial, dial_tcp


class Route(Protocol):
    """`where` is what errors call it; `limit` how many connections it bears at once."""

    where: str
    limit: int

    def dial(self, deadline: Deadline) -> socket.socket:
        """A stream to the engine. Raises OSError or HostError."""
        ...

    def connect(self, address: str, port: int, deadline: Deadline) -> socket.socket:
        """A stream to a port, as seen from where the engine is. Raises OSError or HostError."""
        ...

    def close(self) -> None: ...


class Straight:
    """An engine on a socket that this machine can open."""

    limit = 16

    def __init__(self, where: str, dial: Dial) -> None:
        self.where = where
        self._dial = dial

    def dial(self, deadline: Deadline) -> socket.socket:
        return self._dial(deadline)

    def connect(self, address: str, port: int, deadline: Deadline) -> socket.socket:
        return dial_tcp(address, port)(deadline)

    def close(self) -> None:
        """Nothing is kept open."""
