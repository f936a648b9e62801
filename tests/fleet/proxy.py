"""A recording proxy before one engine: numbers and notes every request, passes all bytes on, and fails where told to.

A host that is off shows itself as a reset connection; one that is cut off, as a connection that never answers.
"""

import contextlib
import re
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.fleet.faults import POSSIBLE, At, Call, Fault, Hang, Raw, Reply, Reset, Slow, Truncate
from tests.fleet.http_stream import Closed, Framing, Head, Reader

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
KEPT = 65536  # bytes of each request's body


@dataclass(slots=True)
class Request:
    """`number` counts all requests of a journal, `write` only its writing ones (0: it reads)."""

    host: str
    number: int
    write: int
    method: str
    path: str
    body: bytes = b""
    status: int = 0

    def __str__(self) -> str:
        return f"{self.number} {self.host} {self.method} {self.path} → {self.status or 'no reply'}"


@dataclass(slots=True)
class Rule:
    fault: Fault
    at: At
    matches: Callable[[Request], bool]
    times: int | None


@dataclass(slots=True)
class Journal:
    """All requests of one or more proxies, in the order in which they came; and the rules for them."""

    requests: list[Request] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.write]

    def forget(self) -> None:
        """Requests and rules: numbers start from 1 again."""
        with self._lock:
            self.requests.clear()
            self.rules.clear()

    def fail(
        self,
        fault: Fault,
        *,
        at: At = At.BEFORE,
        number: int | None = None,
        write: int | None = None,
        host: str | None = None,
        method: str | None = None,
        path: str = "",
        times: int | None = 1,
    ) -> None:
        """`fault` befalls the first `times` requests (None: all) to which everything given applies.

        `number` and `write` are a request's places among all and among the writing ones; `path` is searched for as a
        regular expression.
        """
        if not isinstance(fault, POSSIBLE[at]):
            raise ValueError(f"{fault} is not possible {at.value}")

        def matches(request: Request) -> bool:
            places = number in (None, request.number) and write in (None, request.write)
            return places and host in (None, request.host) and method in (None, request.method) and found(request)

        def found(request: Request) -> bool:
            return re.search(path, request.path) is not None

        with self._lock:
            self.rules.append(Rule(fault, at, matches, times))

    def note(self, host: str, head: Head) -> Request:
        method, path = head.words[:2]
        with self._lock:
            writing = method not in ("GET", "HEAD")
            write = len(self.writes) + 1 if writing else 0
            request = Request(host, len(self.requests) + 1, write, method, path)
            self.requests.append(request)
            return request

    def faults(self, request: Request, at: At) -> Iterator[Fault]:
        for rule in list(self.rules):
            if rule.at is at and rule.matches(request) and self._spend(rule):
                yield rule.fault

    def _spend(self, rule: Rule) -> bool:
        with self._lock:
            if rule.times is None:
                return True
            rule.times -= 1
            return rule.times >= 0


class Proxy:
    """Listens from its making until `close`. `upstream`: the engine's address and port."""

    def __init__(self, upstream: tuple[str, int], *, host: str = "", journal: Journal | None = None) -> None:
        self.upstream = upstream
        self.host = host
        self.journal = journal or Journal()
        self.closing = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def requests(self) -> list[Request]:
        return self.journal.requests

    @property
    def writes(self) -> list[Request]:
        return self.journal.writes

    def close(self) -> None:
        self.closing.set()
        for end in [self._listener, *self._sockets.copy()]:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, Closed, _Ended):
            self._sockets.add(client)
            try:
                engine = socket.create_connection(self.upstream)
            except OSError:
                _reset(client)
                return
            with engine:
                self._sockets.add(engine)
                for end in (client, engine):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Connection(self, Reader(client), Reader(engine)).serve()
            self._sockets.discard(engine)
        self._sockets.discard(client)


class _Ended(Exception):
    """A fault ended the connection."""


class _Connection:
    def __init__(self, proxy: Proxy, client: Reader, engine: Reader) -> None:
        self.proxy = proxy
        self.client = client
        self.engine = engine

    def serve(self) -> None:
        while True:
            head = self.client.head()
            request = self.proxy.journal.note(self.proxy.host, head)
            self._befall(request, At.BEFORE, head)
            self._send(request, head)
            self._befall(request, At.AFTER_SEND, head)
            if self._answer(request):
                return
            self._befall(request, At.AFTER_REPLY, head)

    def _send(self, request: Request, head: Head) -> None:
        self.engine.connection.sendall(head.raw)
        for piece in self.client.body(head.request_framing()):
            request.body += piece[: KEPT - len(request.body)]
            self.engine.connection.sendall(piece)

    def _answer(self, request: Request, *, pass_on: bool = True, limit: int | None = None) -> bool:
        """Passes the reply on, of its body no more than `limit` bytes. True when the connection is used up."""
        if pass_on:
            self._wait_for_reply()
        head = self.engine.head()
        while 100 <= int(head.words[1]) < 200 and head.words[1] != "101":
            self.client.connection.sendall(head.raw)
            head = self.engine.head()
        request.status = int(head.words[1])
        framing = head.reply_framing(method=request.method)
        if pass_on:
            self.client.connection.sendall(head.raw)
        if pass_on and (request.status == 101 or (framing == _OPEN and "raw-stream" in head.field("content-type"))):
            self._pump_both_ways()
            return True
        for piece in self.engine.body(framing):
            if pass_on:
                self.client.connection.sendall(piece[:limit])
            if limit is not None:
                limit -= min(limit, len(piece))
        return framing == _OPEN or head.field("connection") == "close"

    def _wait_for_reply(self) -> None:
        """An engine gives up some requests, a pull for one, when its client goes: then the proxy must go as well."""
        client, engine = self.client.connection, self.engine.connection
        while not self.engine.rest:
            ready, _, _ = select.select([client, engine], [], [])
            if engine in ready:
                return
            if not client.recv(1, socket.MSG_PEEK):
                raise Closed
            select.select([engine], [], [])  # the client's next request is there already

    def _pump_both_ways(self) -> None:
        towards_engine = threading.Thread(target=_pump, args=(self.client, self.engine), daemon=True)
        towards_engine.start()
        _pump(self.engine, self.client)
        towards_engine.join()

    def _befall(self, request: Request, at: At, head: Head) -> None:
        for fault in self.proxy.journal.faults(request, at):
            self._carry_out(fault, request, at, head)

    def _carry_out(self, fault: Fault, request: Request, at: At, head: Head) -> None:
        client = self.client.connection
        match fault:
            case Slow(seconds):
                self.proxy.closing.wait(seconds)
            case Call(function):
                function()
            case Hang():
                self.proxy.closing.wait()
                self._end(request, at)
            case Reset():
                _reset(client)
                self._end(request, at)
            case Reply(status, body, content_type):
                self._end(request, at, send=_render(status, body, content_type), head=head)
            case Raw(content):
                self._end(request, at, send=content, head=head)
            case Truncate(length):
                self._answer(request, limit=length)
                raise _Ended

    def _end(self, request: Request, at: At, *, send: bytes = b"", head: Head | None = None) -> None:
        if at is At.BEFORE and head:
            # Closing with the request's body unread would reset the connection, and take the reply with it.
            for _ in self.client.body(head.request_framing()):
                pass
        if send:
            self.client.connection.sendall(send)
            self.client.connection.shutdown(socket.SHUT_WR)
        if at is At.AFTER_SEND:
            # An engine that sees its client go may give up what it was told: let it finish.
            self._answer(request, pass_on=False)
        raise _Ended


_OPEN = Framing(length=None)


def _render(status: int, body: bytes, content_type: str) -> bytes:
    fields = f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return f"HTTP/1.1 {status} Fault\r\n{fields}\r\n".encode() + body


def _pump(source: Reader, target: Reader) -> None:
    """Until one side closes; passes a half-closed connection on, as an attached client without input has."""
    with contextlib.suppress(OSError):
        for piece in source.until_closed():
            target.connection.sendall(piece)
    with contextlib.suppress(OSError):
        target.connection.shutdown(socket.SHUT_WR)


def _reset(connection: socket.socket) -> None:
    """Its `shutdown` would say goodbye; closed this way it does not."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    connection.close()
