"""What can go wrong with a request on its way to an engine, and when. Values; a proxy carries them out."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class At(Enum):
    """The moment of a fault."""

    BEFORE = "before"  # the engine never hears of the request
    AFTER_SEND = "after-send"  # the engine has the request and carries it out; its reply is not passed on yet
    AFTER_REPLY = "after-reply"  # the client has the whole reply


@dataclass(frozen=True, slots=True)
class Reset:
    """The client's connection is reset."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing comes any more, until the proxy ends."""


@dataclass(frozen=True, slots=True)
class Slow:
    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """The client gets this instead of the engine's reply. Not possible after the reply."""

    status: int
    body: bytes = b'{"message": "a fault, made by a test"}'
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Raw:
    """The client gets these bytes, whatever they are, and then a closed connection. Not possible after the reply."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """The client gets the engine's head, so much of its body, and then a closed connection. Only after sending."""

    length: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """Something else happens meanwhile: a process is killed, a host loses its power."""

    function: Callable[[], object]


Fault = Reset | Hang | Slow | Reply | Raw | Truncate | Call
POSSIBLE: dict[At, tuple[type, ...]] = {
    At.BEFORE: (Reset, Hang, Slow, Reply, Raw, Call),
    At.AFTER_SEND: (Reset, Hang, Slow, Reply, Raw, Truncate, Call),
    At.AFTER_REPLY: (Reset, Hang, Slow, Call),
}
