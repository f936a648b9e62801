"""Writes to one engine, one call a method. A time-out leaves the outcome unknown, so no writing call is repeated."""

import http.client
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from declare.engine.deadline import Deadline
from declare.engine.exchange import segment
from declare.engine.message import escape
from declare.engine.read import Reader, login_header, reference_path
from declare.engine.reference import pin, split_reference
from declare.engine.route import Route
from declare.model.canonical import Json
from declare.model.engine import ContainerRequest, EngineWriter, FileContent
from declare.model.errors import Conflict, EngineError, NotFound, PortTaken

_PULL_TIMEOUT = 1800.0
_IDLE_TIMEOUT = 120.0
_REMOVAL_TIMEOUT = 30.0
_OUTPUT_LIMIT = 16 * 1024 * 1024
_PORT_TEXTS = ("port is already allocated", "address already in use")


class Writer(Reader, EngineWriter):
    """One engine, for reading and writing. Safe to share among threads."""

    methods = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})

    def __init__(self, host: str, route: Route, *, address: str, timeout: float, write_timeout: float) -> None:
        super().__init__(host, route, address=address, timeout=timeout)
        self._write_timeout = write_timeout

    def pull_image(
        self, reference: str, *, digest: str | None = None, platform: str | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        wanted = pin(reference, digest) if digest else reference
        name, tag = split_reference(wanted)
        query = {"fromImage": name, "tag": tag} | ({"platform": platform} if platform else {})
        self._follow("/images/create", query, headers=login_header(self.host, reference), progress=progress)
        if digest:
            self._tag(wanted, reference)

    def _tag(self, image: str, reference: str) -> None:
        name, tag = split_reference(reference)
        if not tag.startswith("sha256:"):
            self._post(f"/images/{reference_path(image)}/tag", {"repo": name, "tag": tag})

    def load_image(self, archive: Iterable[bytes]) -> None:
        self._follow("/images/load", {"quiet": "1"}, body=iter(archive), headers={"Content-Type": "application/x-tar"})

    def import_empty_image(self, reference: str) -> None:
        from declare.engine.archive import EMPTY

        name, tag = split_reference(reference)
        self._follow("/images/create", {"fromSrc": "-", "repo": name, "tag": tag}, body=EMPTY)

    def _follow(
        self, path: str, query: Mapping[str, str], *, body: Iterable[bytes] | bytes | None = None,
        headers: Mapping[str, str] | None = None, progress: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        """A call that reports its progress line by line, and its failure too: inside a reply with status 200."""
        deadline = Deadline(_PULL_TIMEOUT, idle=_IDLE_TIMEOUT)
        with self._exchange.open(
            path, method="POST", query=query, body=body, headers=headers, deadline=deadline
        ) as reply:
            for line in _json_lines(reply.pieces()):
                if error := line.get("error"):
                    raise EngineError(self.host, escape(str(error)), status=reply.status)
                if progress and (status := line.get("status")):
                    progress(escape(str(status)))

    def create_container(self, request: ContainerRequest) -> str:
        from declare.engine.body import build_body

        body, platform = build_body(self.host, request, self._exchange.version(self._deadline()))
        query = {"name": request.name} | ({"platform": platform} if platform else {})
        created = self._post("/containers/create", query, body)
        return self._parsed(lambda: str(created["Id"]))

    def start_container(self, container_id: str) -> None:
        try:
            self._post(f"/containers/{segment(container_id)}/start")
        except EngineError as error:
            if any(text in error.reason for text in _PORT_TEXTS):
                raise PortTaken(self.host, error.reason, status=error.status) from error
            raise

    def stop_container(self, container_id: str, *, grace: float | None = None) -> None:
        if grace is None:
            own = self._parsed(lambda: self._inspect(container_id)["Config"].get("StopTimeout"))
            waits = 10.0 if own is None else float(own)
        else:
            waits = float(math.ceil(grace))
        query = {} if grace is None else {"t": str(math.ceil(grace))}
        self._post(f"/containers/{segment(container_id)}/stop", query, timeout=waits + self._write_timeout)

    def signal_container(self, container_id: str, signal: str) -> None:
        self._post(f"/containers/{segment(container_id)}/kill", {"signal": signal})

    def remove_container(self, container_id: str, *, force: bool = False) -> None:
        query = {"v": "1", "force": "1" if force else "0"}
        try:
            self._write("DELETE", f"/containers/{segment(container_id)}", query)
        except NotFound:
            return
        except Conflict as error:
            if "in progress" not in error.reason:
                raise
            self._await_removal(container_id, error)

    def _await_removal(self, container_id: str, conflict: Conflict) -> None:
        """The engine is removing it already; its name and its ports are held until that is done."""
        deadline = Deadline(_REMOVAL_TIMEOUT)
        while True:
            try:
                self._inspect(container_id)
                time.sleep(min(0.1, deadline.left()))
            except NotFound:
                return
            except TimeoutError:
                raise conflict from None

    def rename_container(self, container_id: str, name: str) -> None:
        self._post(f"/containers/{segment(container_id)}/rename", {"name": name})

    def unpause_container(self, container_id: str) -> None:
        self._post(f"/containers/{segment(container_id)}/unpause")

    def update_container(self, container_id: str, settings: Mapping[str, Json]) -> None:
        from declare.engine.body import build_update

        self._post(f"/containers/{segment(container_id)}/update", body=build_update(self.host, settings))

    def write_files(self, container_id: str, folder: str, files: Mapping[str, FileContent]) -> None:
        """The folder is made where there is none. Raises EngineError for a read-only container's own file system."""
        from declare.engine.archive import pack

        try:
            self._put_archive(container_id, folder, pack(files))
        except NotFound:
            # A missing folder can't be named as the target; unpacking at the root makes it.
            self._put_archive(container_id, "/", pack(files, folder=folder))

    def _put_archive(self, container_id: str, folder: str, archive: bytes) -> None:
        headers = {"Content-Type": "application/x-tar"}
        path = f"/containers/{segment(container_id)}/archive"
        self._write("PUT", path, {"path": folder}, archive, headers=headers)

    def run_command(self, container_id: str, command: Sequence[str], *, timeout: float = 10.0) -> tuple[int, str]:
        from declare.engine.frames import cap, join_frames

        deadline = Deadline(timeout)
        asked = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command)}
        made = self._exchange.read_json(
            f"/containers/{segment(container_id)}/exec", method="POST", body=asked, deadline=deadline
        )
        path = self._parsed(lambda: f"/exec/{segment(made['Id'])}")
        with self._exchange.open(f"{path}/start", method="POST", body={"Tty": False}, deadline=deadline) as reply:
            output = b"".join(join_frames(cap(reply.pieces()), raw=False))
        ended = self._exchange.read_json(f"{path}/json", deadline=deadline)
        return self._parsed(lambda: int(ended["ExitCode"])), output.decode(errors="replace")

    def create_volume(
        self, name: str, *, driver: str, driver_opts: Mapping[str, str], labels: Mapping[str, str]
    ) -> None:
        body = {"Name": name, "Driver": driver, "DriverOpts": dict(driver_opts), "Labels": dict(labels)}
        self._post("/volumes/create", body=body)

    def remove_volume(self, name: str) -> None:
        """One that is gone already is no error. Raises Conflict while a container uses it."""
        try:
            self._write("DELETE", f"/volumes/{segment(name)}", {})
        except NotFound:
            return

    def _post(
        self, path: str, query: Mapping[str, str] | None = None, body: Json = None, *, timeout: float | None = None
    ) -> Any:
        return self._write("POST", path, query or {}, body, timeout=timeout)

    def _write(
        self, method: str, path: str, query: Mapping[str, str], body: Json = None, *,
        headers: Mapping[str, str] | None = None, timeout: float | None = None,
    ) -> Any:  # fmt: skip
        with self._exchange.open(
            path,
            method=method,
            query=query,
            body=body,
            headers=headers,
            deadline=Deadline(timeout or self._write_timeout),
        ) as reply:
            content = reply.read()
        return _parse_lenient(content)


def _parse_lenient(content: bytes) -> Any:
    # Only create's reply is used, and it is checked there; the others are empty or of no interest.
    try:
        return json.loads(content) if content else None
    except (ValueError, RecursionError):
        return None


def _json_lines(pieces: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (_parse_line(line) for line in lines if line.strip())
        if len(rest) > _OUTPUT_LIMIT:
            raise http.client.HTTPException("a line without an end")
    if rest.strip():
        yield _parse_line(rest)


def _parse_line(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise http.client.HTTPException("a line that is not JSON")
    return found
