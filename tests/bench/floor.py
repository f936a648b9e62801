"""The same work by plain calls to the engines: no plan, no lock, no record, no check; what the engines take."""

import http.client
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from tests.fleet.errors import FleetError

FIRST_PORT = 20000


class PlainEngine:
    """One engine over plain TCP; each thread has a connection of its own."""

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self._port = port

    def create_and_start(self, numbers: Iterable[int], *, at_once: int) -> None:
        """Containers with a published port each, so many of them at a time."""
        waiting: SimpleQueue[int | None] = SimpleQueue()
        for number in [*numbers, *[None] * at_once]:
            waiting.put(number)
        with ThreadPoolExecutor(max_workers=at_once) as pool:
            for future in [pool.submit(self._start_each, waiting) for _ in range(at_once)]:
                future.result()

    def remove_all(self) -> None:
        """Every container, by its ID."""
        connection = self._connect()
        found = [container["Id"] for container in _call(connection, "GET", "/containers/json?all=1")]
        with ThreadPoolExecutor(max_workers=4) as pool:
            for future in [pool.submit(self._remove, container) for container in found]:
                future.result()
        connection.close()

    def _start_each(self, waiting: "SimpleQueue[int | None]") -> None:
        connection = self._connect()
        while (number := waiting.get()) is not None:
            made = _call(connection, "POST", f"/containers/create?name=floor-{number}", self._body(number))
            _call(connection, "POST", f"/containers/{made['Id']}/start")
        connection.close()

    def _body(self, number: int) -> dict[str, Any]:
        published = [{"HostIp": self.address, "HostPort": str(FIRST_PORT + number)}]
        return {
            "Image": "declare-test/web:1",
            "ExposedPorts": {"8000/tcp": {}},
            "HostConfig": {"PortBindings": {"8000/tcp": published}, "RestartPolicy": {"Name": "unless-stopped"}},
        }

    def _remove(self, container: str) -> None:
        connection = self._connect()
        _call(connection, "DELETE", f"/containers/{container}?force=1&v=1")
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.address, self._port, timeout=60)


def share(replicas: int, engines: Sequence[PlainEngine]) -> list[tuple[PlainEngine, range]]:
    """Each engine's part of the work, as numbers."""
    return [(engine, range(at, replicas, len(engines))) for at, engine in enumerate(engines)]


def _call(connection: http.client.HTTPConnection, method: str, target: str, body: Any = None) -> Any:
    headers = {"Content-Type": "application/json"} if body else {}
    connection.request(method, target, body=json.dumps(body) if body else None, headers=headers)
    reply = connection.getresponse()
    content = reply.read()
    if reply.status >= 400:
        raise FleetError(f"{method} {target}: {reply.status} {content.decode(errors='replace')}")
    return json.loads(content) if content else None
