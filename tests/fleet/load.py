"""Requests at a steady rate while something is deployed, and what became of each; bounded in time and in number.

Half of the clients open a connection for each request; the others keep theirs, and try once more on a new one when the
kept one turns out to be closed, as browsers and HTTP libraries do.
"""

import contextlib
import http.client
import itertools
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

# What a kept connection says when the other side closed it while it was idle.
STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


@dataclass(frozen=True, slots=True)
class Outcome:
    id: str
    method: str
    kept: bool  # by a client that keeps its connection
    status: int  # 0: there was no reply
    error: str
    begun: float  # seconds after the load's start
    seconds: float

    @property
    def failed(self) -> bool:
        return not 200 <= self.status < 400

    def __str__(self) -> str:
        client = "kept connection" if self.kept else "new connection"
        return f"{self.begun:.2f} s: {self.method} {self.id}, {client}: {self.status or self.error}"


@dataclass(slots=True)
class Load(contextlib.AbstractContextManager["Load"]):
    """`with Load(("10.0.0.1", 80), host="shop.test") as load: ...`, and then `load.failures`.

    `rate` is requests a second over all clients, half GET `path` and half POST `post_path`. It ends with the block,
    after `seconds`, or after `count` requests.
    """

    address: tuple[str, int]
    host: str
    rate: float = 100
    clients: int = 8
    seconds: float = 120
    count: int = 20_000
    path: str = "/"
    post_path: str = "/echo"
    timeout: float = 10
    outcomes: list[Outcome] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _stop: threading.Event = field(default_factory=threading.Event)
    _begun: float = 0

    @property
    def failures(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.failed]

    @property
    def statuses(self) -> Counter[int]:
        return Counter(outcome.status for outcome in self.outcomes)

    @property
    def slowest(self) -> float:
        return max((outcome.seconds for outcome in self.outcomes), default=0)

    def check(self) -> None:
        """Raises AssertionError when a request failed, or when there were none."""
        assert self.outcomes, "the load sent no request"
        listed = "\n  ".join(str(outcome) for outcome in self.failures[:20])
        assert not self.failures, f"{len(self.failures)} of {len(self.outcomes)} requests failed:\n  {listed}"

    def __enter__(self) -> "Load":
        self._begun = time.monotonic()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client: int) -> None:
        kept = bool(client % 2)
        connection = self._connect()
        # The clients take turns; one that waits for its reply is late, and then catches up.
        turn = self._begun + client / self.rate
        while turn < self._begun + self.seconds and not self._stop.wait(max(0, turn - time.monotonic())):
            number = next(self._numbers)
            if number >= self.count:
                break
            if not kept:
                connection.close()
            self.outcomes.append(self._ask(connection, number, kept=kept))
            turn += self.clients / self.rate
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, number: int, *, kept: bool) -> Outcome:
        id, method = f"{self.host}-{number}", "POST" if number % 4 > 1 else "GET"
        begun = time.monotonic()
        status, error = 0, ""
        try:
            status = self._exchange(connection, method, id)
        except (OSError, http.client.HTTPException) as failure:
            error = f"{type(failure).__name__}: {failure}"
            connection.close()
        return Outcome(id, method, kept, status, error, begun - self._begun, time.monotonic() - begun)

    def _exchange(self, connection: http.client.HTTPConnection, method: str, id: str) -> int:
        reused = connection.sock is not None
        try:
            return self._exchange_once(connection, method, id)
        except STALE:
            connection.close()
            if not reused:
                raise
            return self._exchange_once(connection, method, id)

    def _exchange_once(self, connection: http.client.HTTPConnection, method: str, id: str) -> int:
        headers = {"Host": self.host, "X-Request-Id": id}
        target, body = (self.post_path, id) if method == "POST" else (self.path, None)
        connection.request(method, target, body=body, headers=headers)
        reply = connection.getresponse()
        reply.read()
        return reply.status

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self.address, timeout=self.timeout)


@dataclass(frozen=True, slots=True)
class Served:
    """A request as an app saw it."""

    method: str
    path: str
    id: str
    version: str
    replica: str


class Witness(contextlib.AbstractContextManager["Witness"]):
    """Hears from the test image's containers which requests with an id they served: give them `environment`.

    It knows of containers that are long gone, which their logs do not. A packet may arrive after the request's reply.
    """

    def __init__(self, address: str) -> None:
        self.served: list[Served] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind((address, 0))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        address, port = self._socket.getsockname()
        return {"REPORT_TO": f"{address}:{port}"}

    def doubles(self, method: str = "POST") -> list[str]:
        """The ids of requests that were served more than once."""
        times = Counter(one.id for one in self.served if one.method == method)
        return sorted(id for id, n in times.items() if n > 1)

    def __exit__(self, *_: object) -> None:
        # An empty packet ends the thread: closing alone would not wake it.
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while packet := self._socket.recv(2048):
            words = packet.decode(errors="replace").split(" ", 4)
            if len(words) == len(Served.__slots__) and words[2] != "-":
                self.served.append(Served(*words))
