"""Clients of a fake engine: the same two classes, reading and writing, that real engines have."""

# ruff: noqa: ARG002 (the Protocols' parameters, of which a fake needs fewer)

import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from posixpath import normpath

from declare.engine.reference import pin, split_reference
from declare.model.canonical import Json
from declare.model.engine import ContainerRequest, EngineReader, EngineWriter, FileContent
from declare.model.errors import Conflict, EngineError, NotFound, Unreachable
from declare.model.labels import PROJECT
from declare.model.observed import Container, EngineInfo, Image, Volume
from tests.fake_engine.engine import FakeContainer, FakeEngine, FakeImage, Registry, settings_of

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_ROOT_FOLDERS = {"/", "/etc", "/tmp", "/run", "/var"}


class FakeReader(EngineReader):
    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.host = engine.host
        self.address = engine.address

    def read_info(self) -> EngineInfo:
        with self._call("read_info") as engine:
            return EngineInfo(
                engine.id, engine.version, "1.41", engine.cpus, engine.memory, engine.clock_offset, "Fake", "x86_64"
            )

    def list_containers(self) -> Sequence[Container]:
        with self._call("list_containers") as engine:
            found = [container.observe(self.host, inspected=False) for container in engine.containers.values()]
            return tuple(sorted(found, key=lambda container: container.name))

    def inspect_container(self, container_id: str) -> Container:
        with self._call("inspect_container"):
            return self._find(container_id).observe(self.host, inspected=True)

    def list_images(self) -> Sequence[Image]:
        with self._call("list_images") as engine:
            found = {image.id: engine.image_as(image.id) for image in engine.images.values()}
            return tuple(image for _, image in sorted(found.items()) if image)

    def inspect_image(self, reference: str) -> Image:
        with self._call("inspect_image") as engine:
            if found := engine.image_as(_with_tag(reference)):
                return found
            raise NotFound(self.host, f"No such image: {reference}", status=404)

    def list_volumes(self) -> Mapping[str, Volume]:
        with self._call("list_volumes") as engine:
            return dict(engine.volumes)

    def read_files(self, container_id: str, folder: str) -> Mapping[str, bytes]:
        with self._call("read_files"):
            container = self._find(container_id)
            if not _has_folder(container, folder):
                raise NotFound(self.host, f"Could not find the file {folder} in container {container_id}", status=404)
            start = normpath(folder).rstrip("/") + "/"
            found = {path[len(start) :]: content for path, content in container.files.items() if path.startswith(start)}
            return {name: content for name, content in sorted(found.items()) if "/" not in name}

    def read_logs(self, container_id: str, *, tail: int = 20) -> tuple[str, ...]:
        with self._call("read_logs"):
            return tuple(self._find(container_id).log[-tail:])

    def resolve_digest(self, reference: str) -> str:
        with self._call("resolve_digest") as engine:
            if reference not in engine.registry.images:
                raise NotFound(self.host, f"manifest for {reference} not found", status=404)
            return Registry.digest_of(engine.registry.images[reference])

    def save_image(self, reference: str) -> Iterator[bytes]:
        with self._call("save_image") as engine:
            image = engine.images.get(_with_tag(reference))
            if image is None:
                raise NotFound(self.host, f"No such image: {reference}", status=404)
            content = [_with_tag(reference), image.id, image.has_healthcheck, image.exit_code]
        yield json.dumps(content).encode()

    def connect(self, address: str, port: int, *, timeout: float) -> socket.socket:
        with self._call("connect") as engine:
            container = engine.holder_of(port)
            if container is None:
                raise Unreachable(self.host, f"nothing listens at {address}:{port} (connection refused)")
            ours, theirs = socket.socketpair()
            ours.settimeout(timeout)
            theirs.settimeout(timeout)
            threading.Thread(target=_serve, args=(engine, container, theirs), daemon=True).start()
            return ours

    def close(self) -> None:
        """Nothing is kept open."""

    @contextmanager
    def _call(self, name: str, about: str | None = None) -> Iterator[FakeEngine]:
        if self.engine.down:
            raise Unreachable(self.host, self.engine.down)
        self.engine.before(name)
        with self.engine.lock:
            if about is not None:
                self.engine.writes.append((name, about))
            yield self.engine
        self.engine.after(name)

    def _find(self, container_id: str) -> FakeContainer:
        for container in self.engine.containers.values():
            if container_id in (container.id, container.name):
                return container
        raise NotFound(self.host, f"No such container: {container_id}", status=404)


class FakeWriter(FakeReader, EngineWriter):
    def pull_image(
        self, reference: str, *, digest: str | None = None, platform: str | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        with self._call("pull_image", reference) as engine:
            engine.registry.pulls.append(reference)
            wanted = pin(reference, digest) if digest else _with_tag(reference)
            found = [image for name, image in engine.registry.images.items() if wanted in _names(name, image)]
            if not found:
                raise NotFound(self.host, f"manifest for {wanted} not found", status=404)
            engine.images[_with_tag(reference)] = found[0]
            engine.images[pin(reference, Registry.digest_of(found[0]))] = found[0]
            if progress:
                progress("Pull complete")

    def load_image(self, archive: Iterable[bytes]) -> None:
        content = b"".join(archive)
        with self._call("load_image", "") as engine:
            reference, image_id, has_healthcheck, exit_code = json.loads(content)
            engine.images[reference] = FakeImage(image_id, has_healthcheck, exit_code)

    def import_empty_image(self, reference: str) -> None:
        with self._call("import_empty_image", reference) as engine:
            engine.images[_with_tag(reference)] = FakeImage("sha256:" + engine.next_id())

    def create_container(self, request: ContainerRequest) -> str:
        with self._call("create_container", request.name) as engine:
            if not _NAME.fullmatch(request.name):
                raise EngineError(self.host, f"Invalid container name ({request.name})", status=400)
            image = engine.image_as(_with_tag(request.image)) or engine.image_as(request.image)
            if image is None:
                raise NotFound(self.host, f"No such image: {request.image}", status=404)
            self._check_free(request.name)
            found = next(known for known in engine.images.values() if known.id == image.id)
            container = FakeContainer(
                engine.next_id(), request.name, request, found, settings_of(request.spec), engine.made
            )
            container.files.update(found.files)
            engine.containers[container.id] = container
            engine.volumes = dict.fromkeys(_named_volumes(request), Volume()) | engine.volumes
            return container.id

    def start_container(self, container_id: str) -> None:
        with self._call("start_container", container_id) as engine:
            container = self._find(container_id)
            if container.state == "paused":
                raise Conflict(self.host, "cannot start a paused container, try unpause instead", status=409)
            if not container.is_running:
                engine.start(container)

    def stop_container(self, container_id: str, *, grace: float | None = None) -> None:
        with self._call("stop_container", container_id):
            container = self._find(container_id)
            if container.is_running:
                container.state, container.exit_code, container.health = "exited", 0, None
            container.stopped_by_hand = True

    def signal_container(self, container_id: str, signal: str) -> None:
        with self._call("signal_container", container_id):
            container = self._find(container_id)
            if not container.is_running:
                raise Conflict(self.host, f"Container {container_id} is not running", status=409)
            if signal.removeprefix("SIG") in ("KILL", "TERM"):
                container.state, container.exit_code, container.health = "exited", 137, None

    def remove_container(self, container_id: str, *, force: bool = False) -> None:
        with self._call("remove_container", container_id) as engine:
            try:
                container = self._find(container_id)
            except NotFound:
                return
            if container.is_running and not force:
                raise Conflict(self.host, f"You cannot remove a running container {container_id}", status=409)
            del engine.containers[container.id]

    def rename_container(self, container_id: str, name: str) -> None:
        with self._call("rename_container", container_id):
            container = self._find(container_id)
            self._check_free(name)
            container.name = name

    def unpause_container(self, container_id: str) -> None:
        with self._call("unpause_container", container_id):
            container = self._find(container_id)
            if container.state != "paused":
                raise EngineError(self.host, f"Container {container_id} is not paused", status=500)
            container.state = "running"

    def update_container(self, container_id: str, settings: Mapping[str, Json]) -> None:
        with self._call("update_container", container_id):
            container = self._find(container_id)
            container.settings |= settings_of({}) | container.settings | dict(settings)

    def write_files(self, container_id: str, folder: str, files: Mapping[str, FileContent]) -> None:
        with self._call("write_files", container_id):
            container = self._find(container_id)
            if container.request.spec.get("read_only") and not _is_volume(container, folder):
                raise EngineError(self.host, "container rootfs is marked read-only", status=400)
            start = normpath(folder).rstrip("/")
            container.files |= {f"{start}/{name}": file.content for name, file in files.items()}

    def run_command(self, container_id: str, command: Sequence[str], *, timeout: float = 10.0) -> tuple[int, str]:
        with self._call("run_command", container_id) as engine:
            container = self._find(container_id)
            if not container.is_running:
                raise Conflict(self.host, f"Container {container_id} is not running", status=409)
            return engine.run(container, command)

    def create_volume(
        self, name: str, *, driver: str, driver_opts: Mapping[str, str], labels: Mapping[str, str]
    ) -> None:
        with self._call("create_volume", name) as engine:
            own = {key: value for key, value in labels.items() if key != PROJECT}
            engine.volumes.setdefault(name, Volume(labels.get(PROJECT, ""), driver, dict(driver_opts), own))

    def remove_volume(self, name: str) -> None:
        with self._call("remove_volume", name) as engine:
            if any(name in _named_volumes(container.request) for container in engine.containers.values()):
                raise Conflict(self.host, f"remove {name}: volume is in use", status=409)
            engine.volumes.pop(name, None)

    def _check_free(self, name: str) -> None:
        if any(container.name == name for container in self.engine.containers.values()):
            raise Conflict(self.host, f'Conflict. The container name "/{name}" is already in use', status=409)


def _with_tag(reference: str) -> str:
    if "@" in reference or reference.startswith("sha256:"):
        return reference
    return ":".join(split_reference(reference))


def _names(reference: str, image: FakeImage) -> set[str]:
    return {reference, pin(reference, Registry.digest_of(image))}


def _named_volumes(request: ContainerRequest) -> set[str]:
    sources = set()
    for entry in request.spec.get("volumes", ()):
        parts = entry.split(":") if isinstance(entry, str) else [entry.get("source", ""), entry["target"]]
        if len(parts) > 1 and parts[0] and not parts[0].startswith("/"):
            sources.add(request.volumes.get(parts[0], parts[0]))
    return sources


def _targets(container: FakeContainer) -> set[str]:
    entries = container.request.spec.get("volumes", ())
    found = {
        entry["target"] if not isinstance(entry, str) else entry.removesuffix(":ro").split(":")[-1] for entry in entries
    }
    return found | ({"/run/secrets"} if container.request.secrets_volume else set())


def _is_volume(container: FakeContainer, folder: str) -> bool:
    return any(f"{normpath(folder)}/".startswith(f"{target}/") for target in _targets(container))


def _has_folder(container: FakeContainer, folder: str) -> bool:
    start = normpath(folder)
    below = any(path.startswith(start.rstrip("/") + "/") for path in container.files)
    return start in _ROOT_FOLDERS or below or start in _targets(container)


def _serve(engine: FakeEngine, container: FakeContainer, stream: socket.socket) -> None:
    with stream:
        try:
            request = stream.recv(65536)
            if request and engine.respond:
                stream.sendall(engine.respond(container, request))
            elif request:
                stream.recv(1)
        except OSError:
            return
