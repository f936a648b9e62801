"""Reads one engine: no method here writes, and the transport refuses every HTTP method but GET and HEAD."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from declare.engine.deadline import Deadline
from declare.engine.exchange import Exchange, segment
from declare.engine.parse import (
    Malformed,
    find_untold,
    parse_image,
    parse_info,
    parse_inspected,
    parse_listed,
    parse_volumes,
    parsed,
)
from declare.engine.pool import Pool
from declare.engine.reference import registry_of
from declare.engine.route import Route
from declare.model.engine import EngineReader
from declare.model.errors import EngineError, Unreachable
from declare.model.observed import Container, EngineInfo, Image, Volume

T = TypeVar("T")
Limit = Callable[[Iterator[bytes]], Iterator[bytes]]

_DIGEST_TIMEOUT = 60.0
_STREAM_TIMEOUT = 3600.0
_IDLE_TIMEOUT = 120.0
_FOREVER = 20 * 86400.0  # poll counts milliseconds in a C int


class Reader(EngineReader):
    """One engine, for reading. Safe to share among threads."""

    methods = frozenset({"GET", "HEAD"})

    def __init__(self, host: str, route: Route, *, address: str, timeout: float) -> None:
        self.host = host
        self.address = address
        self._timeout = timeout
        self._route = route
        self._pool = Pool(route.dial, limit=route.limit)
        self._exchange = Exchange(host, route.where, self._pool, methods=self.methods)
        self._untold: frozenset[str] | None = None

    def read_info(self) -> EngineInfo:
        deadline = self._deadline()
        version = self._exchange.version(deadline)
        before = time.time()
        info = self._exchange.read_json("/info", deadline=deadline)
        middle = (before + time.time()) / 2
        self._untold = self._parsed(find_untold, info)
        return self._parsed(parse_info, info, version, middle)

    def list_containers(self) -> Sequence[Container]:
        found = self._exchange.read_json("/containers/json", query={"all": "1"}, deadline=self._deadline())
        return self._parsed(parse_listed, self.host, self._expect(found, list))

    def inspect_container(self, container_id: str) -> Container:
        return self._parsed(parse_inspected, self.host, self._inspect(container_id), untold=self._read_untold())

    def _inspect(self, container_id: str) -> Any:
        path = f"/containers/{segment(container_id)}/json"
        return self._expect(self._exchange.read_json(path, deadline=self._deadline()), dict)

    def _read_untold(self) -> frozenset[str]:
        if self._untold is None:
            self.read_info()
        return self._untold or frozenset()

    def list_images(self) -> Sequence[Image]:
        found = self._expect(self._exchange.read_json("/images/json", deadline=self._deadline()), list)
        return self._parsed(lambda: tuple(sorted(map(parse_image, found), key=lambda image: image.id)))

    def inspect_image(self, reference: str) -> Image:
        path = f"/images/{reference_path(reference)}/json"
        return self._parsed(parse_image, self._exchange.read_json(path, deadline=self._deadline()))

    def list_volumes(self) -> Mapping[str, Volume]:
        found = self._exchange.read_json("/volumes", deadline=self._deadline())
        return self._parsed(parse_volumes, found)

    def read_files(self, container_id: str, folder: str) -> Mapping[str, bytes]:
        from declare.engine.archive import unpack

        path = f"/containers/{segment(container_id)}/archive"
        with self._exchange.open(path, query={"path": folder}, deadline=self._deadline()) as reply:
            content = reply.read()
        return self._parsed(unpack, content)

    def read_logs(self, container_id: str, *, tail: int = 20) -> tuple[str, ...]:
        from declare.engine.frames import cap

        return tuple(self._stream_logs(container_id, {"tail": str(tail)}, self._deadline(), limit=cap))

    def follow_logs(self, container_id: str, *, tail: int = 20) -> Iterator[str]:
        """The last lines, then each new one as it is written, until the container stops or the iterator is closed."""
        return self._stream_logs(container_id, {"tail": str(tail), "follow": "1"}, Deadline(_FOREVER))

    def _stream_logs(
        self, container_id: str, query: Mapping[str, str], deadline: Deadline, *, limit: Limit = iter
    ) -> Iterator[str]:
        from declare.engine.frames import join_frames, split_lines

        raw = self._parsed(lambda: bool(self._inspect(container_id)["Config"]["Tty"]))
        path = f"/containers/{segment(container_id)}/logs"
        with self._exchange.open(path, query={"stdout": "1", "stderr": "1", **query}, deadline=deadline) as reply:
            yield from split_lines(join_frames(limit(reply.pieces()), raw=raw))

    def resolve_digest(self, reference: str) -> str:
        path = f"/distribution/{reference_path(reference)}/json"
        headers = login_header(self.host, reference)
        try:
            found = self._exchange.read_json(path, headers=headers, deadline=Deadline(_DIGEST_TIMEOUT))
        except EngineError as error:  # in the registry's words, which don't say of which image
            raise type(error)(self.host, f"image {reference}: {error.reason}", status=error.status) from error
        return self._parsed(lambda: str(found["Descriptor"]["digest"]))

    def save_image(self, reference: str) -> Iterator[bytes]:
        path = f"/images/{reference_path(reference)}/get"
        with self._exchange.open(path, deadline=Deadline(_STREAM_TIMEOUT, idle=_IDLE_TIMEOUT)) as reply:
            yield from reply.pieces()

    def connect(self, address: str, port: int, *, timeout: float) -> socket.socket:
        deadline = Deadline(timeout)
        with self._exchange.naming(deadline, where=f"{address}:{port}"):
            return self._route.connect(address, port, deadline)

    def close(self) -> None:
        self._pool.close_idle()
        self._route.close()

    def _deadline(self) -> Deadline:
        return Deadline(self._timeout)

    def _parsed(self, parse: Callable[..., T], *values: Any, **named: Any) -> T:
        try:
            return parsed(parse, *values, **named)
        except Malformed as error:
            raise Unreachable(self.host, f"its reply is not what an engine answers ({error})") from error

    def _expect(self, found: Any, kind: type) -> Any:
        if not isinstance(found, kind):
            raise Unreachable(self.host, "its reply is not what an engine answers")
        return found


def reference_path(reference: str) -> str:
    return quote(reference, safe="/:@")


def login_header(host: str, reference: str) -> dict[str, str]:
    """This machine's login for the registry of a reference, as the engine wants it; empty without one."""
    from declare.engine.docker_sdk import read_login

    login = read_login(host, registry_of(reference))
    return {"X-Registry-Auth": login} if login else {}
