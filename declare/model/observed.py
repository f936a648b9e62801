"""What was found on the hosts: one immutable picture, taken before anything is decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from declare.model.app import Resources
from declare.model.canonical import Json
from declare.model.record import Record

Role = Literal["replica", "proxy", "record", "lock"]


@dataclass(frozen=True, slots=True, order=True)
class PortBinding:
    """A host port of a container; `name` is the manifest's name for an allocated one, "" for a fixed one."""

    container_port: int
    host_port: int
    host_ip: str
    protocol: str = "tcp"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Ownership:
    """What our labels say of a container. `replica` is "1".. or a host's name; "" where the role has no replicas.

    `spec` is the applied container spec with secrets as fingerprints; `image_id` the image it was made from.
    """

    project: str
    role: Role
    app: str = ""
    replica: str = ""
    generation: int = 0
    revision: int = 0
    spec: Mapping[str, Json] = field(default_factory=dict)
    ports: tuple[PortBinding, ...] = ()
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """One container on one host. `owner` None: it is not declare's (no label, or labels that can't be read).

    `state` is Docker's (created, running, paused, restarting, removing, exited, dead); `health` Docker's own
    (starting, healthy, unhealthy) or None. `bindings` are the host ports that it holds or would hold when started.
    `settings` are the values that can be altered by hand after create, by manifest name; None if not inspected.
    Times are the engine's text, for show only.
    """

    host: str
    id: str
    name: str
    state: str
    image_id: str
    image: str = ""
    owner: Ownership | None = None
    health: str | None = None
    bindings: tuple[PortBinding, ...] = ()
    reserved: Resources = Resources()
    settings: Mapping[str, Json] | None = None
    exit_code: int | None = None
    oom_killed: bool = False
    restart_count: int = 0
    created_at: str = ""
    started_at: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        return self.state in ("running", "restarting", "paused")


@dataclass(frozen=True, slots=True)
class Image:
    """An image on a host. `digests` are repository digests ("repo@sha256:…"), empty for one built or loaded locally."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    has_healthcheck: bool | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume on a host. `project` of declare's made it, "" for somebody else; `labels` are its user's own."""

    project: str = ""
    driver: str = "local"
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine says of itself. `clock_offset`: its clock minus ours in seconds, as far as the call could tell."""

    id: str
    version: str
    api_version: str
    cpus: float
    memory: int
    clock_offset: float = 0.0
    operating_system: str = ""
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class ObservedProxy:
    """nginx on one proxy host. Hashes: of the file it would start with, and of what it answers; None if unknown."""

    container: Container
    ack_port: int
    file_hash: str | None = None
    served_hash: str | None = None


@dataclass(frozen=True, slots=True)
class ObservedHost:
    """One host of the inventory. Unreachable is unknown: `reason` says why, and everything else is empty.

    `images` by reference as the manifests name them; `volumes` by name. `token` is the identity that declare left
    there, if any.
    """

    name: str
    address: str = ""
    reachable: bool = True
    reason: str = ""
    engine: EngineInfo | None = None
    containers: tuple[Container, ...] = ()
    images: Mapping[str, Image] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    token: str | None = None
    proxy: ObservedProxy | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """All hosts, in the order of their names, and the newest complete record found on any of them.

    `digests` are the registry's answers for references with pull_policy always. `file_proxy_hash` is what the user's
    own nginx has in its file and serves: None without one, "" where the two differ or it can't be asked.
    """

    hosts: tuple[ObservedHost, ...] = ()
    record: Record | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    file_proxy_hash: str | None = None

    def host(self, name: str) -> ObservedHost | None:
        """The host of that name, or None."""
        return next((host for host in self.hosts if host.name == name), None)

    @property
    def unreachable(self) -> tuple[ObservedHost, ...]:
        return tuple(host for host in self.hosts if not host.reachable)
