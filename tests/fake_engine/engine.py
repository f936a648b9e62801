"""The state of one fake host, and what happens to it from outside: crashes, reboots, strangers, a cut network."""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from declare.model.app import Resources
from declare.model.canonical import Json
from declare.model.engine import ContainerRequest
from declare.model.errors import HostError, PortTaken
from declare.model.labels import read_labels
from declare.model.observed import Container, Image, PortBinding, Volume
from declare.model.quantity import parse_size
from declare.model.settings import declared_settings, normalize


@dataclass(frozen=True, slots=True)
class FakeImage:
    """An image, and what its containers do: `exit_code` not None ends them as soon as they start."""

    id: str
    has_healthcheck: bool = False
    exit_code: int | None = None
    log: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class FakeContainer:
    id: str
    name: str
    request: ContainerRequest
    image: FakeImage
    settings: dict[str, Json]
    number: int
    state: str = "created"
    stopped_by_hand: bool = False
    exit_code: int = 0
    restart_count: int = 0
    health: str | None = None
    started: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    @property
    def is_running(self) -> bool:
        return self.state in ("running", "paused", "restarting")

    def observe(self, host: str, *, inspected: bool) -> Container:
        """The container as a list call shows it, or as an inspection does."""
        owner = read_labels(self.request.labels)
        named = {(port.host_port, port.host_ip, port.protocol): port for port in (owner.ports if owner else ())}
        held = self.request.bindings if inspected or self.is_running else ()
        bindings = {named.get((port.host_port, port.host_ip, port.protocol), port) for port in held} | set(
            named.values()
        )
        container = Container(
            host=host,
            id=self.id,
            name=self.name,
            state=self.state,
            image_id=self.image.id,
            image=self.request.image,
            owner=owner,
            health=self.health,
            bindings=tuple(sorted(bindings)),
            reserved=_reserved(owner.spec if owner else self.request.spec if inspected else {}),
            created_at=_time(self.number),
            labels={**self.request.spec.get("labels", {}), **self.request.labels},
        )
        if not inspected:
            return container
        return replace(
            container,
            settings=dict(self.settings),
            exit_code=self.exit_code,
            restart_count=self.restart_count,
            started_at=_time(self.started),
        )


@dataclass(slots=True)
class Registry:
    """The registry that several fake engines pull from: images by reference, and what pulling was asked of it."""

    images: dict[str, FakeImage] = field(default_factory=dict)
    pulls: list[str] = field(default_factory=list)

    @staticmethod
    def digest_of(image: FakeImage) -> str:
        return "sha256:" + hashlib.sha256(image.id.encode()).hexdigest()


WEB = FakeImage("sha256:" + "a1" * 32, log=("listening on 8000, version 1",))
IMAGES = {
    "declare-test/web:1": WEB,
    "declare-test/web:2": FakeImage("sha256:" + "a2" * 32),
    "declare-test/checked:1": FakeImage("sha256:" + "b1" * 32, has_healthcheck=True),
    "declare-test/broken:1": FakeImage("sha256:" + "c1" * 32, exit_code=1),
    "declare-test/busybox:1": FakeImage("sha256:" + "d1" * 32),
    "declare-test/nginx:1.22": FakeImage("sha256:" + "e1" * 32, files={"/etc/nginx/nginx.conf": b""}),
}

Respond = Callable[[FakeContainer, bytes], bytes]


@dataclass(slots=True)
class FakeEngine:
    """One host. Everything may be altered by a test; `down` makes every call fail as an unreachable host does.

    `check` is the health that a started container with a health check has. `respond` answers a request over a
    published port (None: the connection just stays open). `before` and `after` are called with each call's name, and
    may raise. `writes` are the writing calls so far.
    """

    host: str = "h1"
    address: str = "127.0.0.1"
    id: str = "ENGINE-1"
    cpus: float = 4.0
    memory: int = 8 * 2**30
    version: str = "20.10.24"
    images: dict[str, FakeImage] = field(default_factory=lambda: dict(IMAGES))
    containers: dict[str, FakeContainer] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    registry: Registry = field(default_factory=Registry)
    listeners: set[tuple[str, int]] = field(default_factory=set)
    down: str = ""
    clock_offset: float = 0.0
    check: Callable[[FakeContainer], str] = lambda _: "healthy"
    respond: Respond | None = lambda _, __: b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    run: Callable[[FakeContainer, Sequence[str]], tuple[int, str]] = lambda _, __: (0, "")
    before: Callable[[str], None] = lambda _: None
    after: Callable[[str], None] = lambda _: None
    writes: list[tuple[str, str]] = field(default_factory=list)
    made: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def next_id(self) -> str:
        self.made += 1
        return hashlib.sha256(f"{self.id}:{self.made}".encode()).hexdigest()

    def add(self, request: ContainerRequest, *, state: str = "running") -> FakeContainer:
        """A container made by nobody's call: what is there before the test begins, or a stranger's."""
        image = self.images[request.image]
        found = FakeContainer(self.next_id(), request.name, request, image, settings_of(request.spec), self.made)
        found.state = state
        self.containers[found.id] = found
        return found

    def named(self, name: str) -> FakeContainer:
        return next(container for container in self.containers.values() if container.name == name)

    def start(self, container: FakeContainer) -> None:
        """As the engine does. Raises PortTaken."""
        for binding in container.request.bindings:
            if self._is_held(binding, container):
                raise PortTaken(self.host, f"Bind for :{binding.host_port} failed: port is already allocated")
        container.state, container.stopped_by_hand, container.started = "running", False, self.made
        container.log += container.image.log
        checks = container.request.spec.get("healthcheck", {})
        if "command" in checks or (container.image.has_healthcheck and not checks.get("disable")):
            container.health = self.check(container)
        if container.image.exit_code is not None:
            self.crash(container, container.image.exit_code)

    def crash(self, container: FakeContainer, exit_code: int = 1) -> None:
        """It ends by itself; the restart policy decides what follows."""
        container.state, container.exit_code, container.health = "exited", exit_code, None
        policy = str(container.settings["restart"])
        if policy in ("always", "unless-stopped") or (policy.startswith("on-failure") and exit_code):
            container.restart_count += 1
            container.state = "restarting" if container.image.exit_code is not None else "running"

    def reboot(self) -> None:
        """Power loss and return: what the restart policies bring back is up again."""
        for container in self.containers.values():
            policy = container.settings["restart"]
            was_running = container.is_running
            if was_running:
                container.state, container.exit_code = "exited", 137
            if policy == "always" or (policy == "unless-stopped" and was_running):
                self.start(container)

    def _is_held(self, wanted: PortBinding, by: FakeContainer) -> bool:
        held = {(ip, port, "tcp") for ip, port in self.listeners}
        for other in self.containers.values():
            if other is not by and other.is_running:
                held |= {(port.host_ip, port.host_port, port.protocol) for port in other.request.bindings}
        met = [ip for ip, port, protocol in held if (port, protocol) == (wanted.host_port, wanted.protocol)]
        return any(ip == wanted.host_ip or _ALL & {ip, wanted.host_ip} for ip in met)

    def holder_of(self, port: int) -> FakeContainer | None:
        """The running container behind a published TCP port."""
        return next(
            (
                container
                for container in self.containers.values()
                if container.state == "running"
                and any(port == held.host_port and held.protocol == "tcp" for held in container.request.bindings)
            ),
            None,
        )

    def fail_once(self, call: str, error: HostError, *, after: bool = False) -> None:
        """The next call of that name raises: before it has an effect, or after."""

        def hook(name: str) -> None:
            if name == call:
                setattr(self, "after" if after else "before", lambda _: None)
                raise error

        setattr(self, "after" if after else "before", hook)

    def image_as(self, reference: str) -> Image | None:
        found = self.images.get(reference) or next((i for i in self.images.values() if i.id == reference), None)
        if found is None:
            return None
        names = sorted(name for name, image in self.images.items() if image.id == found.id)
        return Image(
            id=found.id,
            tags=tuple(name for name in names if "@" not in name),
            digests=tuple(name for name in names if "@" in name),
            has_healthcheck=found.has_healthcheck,
        )


_ALL = {"0.0.0.0", "", "::"}


def settings_of(spec: Mapping[str, Json]) -> dict[str, Json]:
    """What an engine makes of a spec: its own defaults fill in what the spec leaves out."""
    settings: dict[str, Json] = {"pids_limit": -1, **declared_settings(spec)}
    if "mem_limit" in settings:
        settings.setdefault("memswap_limit", normalize("memswap_limit", 2 * parse_size(settings["mem_limit"])))
    return settings


def _reserved(spec: Mapping[str, Json]) -> Resources:
    resources = spec.get("resources", {})
    return Resources(float(resources.get("cpus", 0)), parse_size(resources.get("memory", 0)))


def _time(number: int) -> str:
    return f"2026-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"
