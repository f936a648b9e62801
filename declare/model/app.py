"""What the user declares: apps, their ports, routes, checks and rules, and the sources of their secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from declare.model.canonical import Json
from declare.model.fields import CONTAINER_FIELDS
from declare.model.problem import Source

Order = Literal["start-first", "stop-first"]
OnFailure = Literal["rollback", "pause", "continue"]
PullPolicy = Literal["missing", "always", "never"]


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A fixed host port. `host_ip` None is the host's `address`; nothing binds to all addresses unasked."""

    host_port: int
    container_port: int
    protocol: Literal["tcp", "udp", "sctp"] = "tcp"
    host_ip: str | None = None


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of a certificate chain and its key, on the machine that runs declare."""

    cert: str
    key: str


@dataclass(frozen=True, slots=True)
class Route:
    """A public host name and a path prefix made of whole segments ("/" for all) behind which an app answers."""

    host: str
    path: str = "/"
    strip_prefix: bool = False
    tls: TlsFiles | None = None
    redirect: bool = True

    def __str__(self) -> str:
        return self.host + (self.path if self.path != "/" else "")


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """Two answers 2xx or 3xx to GET `path` on the port named `port` make a replica healthy."""

    path: str


@dataclass(frozen=True, slots=True)
class TcpCheck:
    """Connected, and still open after 250 ms."""


@dataclass(frozen=True, slots=True)
class CommandCheck:
    """Docker's own health check; `test` in Docker's form: ["CMD", …] or ["CMD-SHELL", text] or ["NONE"]."""

    test: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """How a replica proves that it can take work. Durations in seconds."""

    check: HttpCheck | TcpCheck | CommandCheck
    port: str | None = None
    interval: float = 2.0
    timeout: float = 2.0
    retries: int = 3
    start_period: float = 0.0


@dataclass(frozen=True, slots=True)
class Mount:
    """One entry of `volumes`. `source` is a volume's name, a host path, or None for an anonymous volume."""

    kind: Literal["volume", "bind", "tmpfs"]
    source: str | None
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A secret given to an app: as the file `target`, or as the variable `env`."""

    name: str
    target: str | None = None
    env: str | None = None
    mode: int = 0o444
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret's value comes from, on the machine that runs declare."""

    kind: Literal["env", "file", "command"]
    value: tuple[str, ...]
    source: Source | None = field(default=None, compare=False)


class SecretValue:
    """A secret's bytes; no repr, str or format shows them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The bytes themselves, for the one call that carries them to a container."""
        return self._value

    def __repr__(self) -> str:
        return "(secret)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretValue) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True)
class Resources:
    """Reserved for each replica, in cores and bytes; what the scheduler counts."""

    cpus: float = 0.0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class PlacementRules:
    """`require`: labels a host must have, each with one of these values. `spread`: the label that names a zone."""

    require: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    spread: str | None = None
    max_per_host: int | None = None


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """How replicas are replaced. Durations in seconds; counts as written: a number, or a percentage such as "25%"."""

    order: Order | None = None
    parallelism: int | str = 1
    max_unavailable: int | str | None = None
    settle: float = 3.0
    drain: float = 10.0
    on_failure: OnFailure = "rollback"
    healthy_within: float = 60.0


@dataclass(frozen=True, slots=True)
class ProxyRules:
    """What nginx allows for this app's routes. Seconds and bytes."""

    read_timeout: float = 60.0
    max_body_size: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    """A top-level volume's driver and options; `name` is Docker's name for it (PROJECT_NAME unless given)."""

    name: str
    driver: str = "local"
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    external: bool = False


@dataclass(frozen=True, slots=True)
class App:
    """One declared app. `spec` is its manifest in canonical form, defaults left out; the rest are views of it.

    `spec` holds every field that the user set to something else than its default, by its manifest name, as JSON that
    is itself a valid manifest; it never holds a secret's value.
    """

    name: str
    image: str
    spec: Mapping[str, Json]
    mode: Literal["replicated", "global"] = "replicated"
    replicas: int = 1
    ports: Mapping[str, int] = field(default_factory=dict)
    publish: tuple[PublishedPort, ...] = ()
    routes: tuple[Route, ...] = ()
    healthcheck: Healthcheck | None = None
    volumes: tuple[Mount, ...] = ()
    secrets: tuple[SecretUse, ...] = ()
    resources: Resources = Resources()
    placement: PlacementRules = PlacementRules()
    update: UpdatePolicy = UpdatePolicy()
    proxy: ProxyRules = ProxyRules()
    pull_policy: PullPolicy = "missing"
    platform: str | None = None
    stop_grace_period: float = 10.0
    host_network: bool = False
    source: Source | None = field(default=None, compare=False)

    @property
    def main_port(self) -> str | None:
        """The name of the port that routes and checks use: "http", or the only one."""
        if "http" in self.ports:
            return "http"
        return next(iter(self.ports)) if len(self.ports) == 1 else None

    @property
    def container_spec(self) -> dict[str, Json]:
        """The part of `spec` that is fixed when a container is created: a change in it replaces the containers."""
        chosen = {name: value for name, value in self.spec.items() if name in CONTAINER_FIELDS}
        if "healthcheck" in self.spec and not (self.healthcheck and isinstance(self.healthcheck.check, CommandCheck)):
            chosen.pop("healthcheck", None)
        return chosen


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything the manifests declare, apps in the order of their names."""

    apps: tuple[App, ...] = ()
    volumes: Mapping[str, VolumeSpec] = field(default_factory=dict)
    secrets: Mapping[str, SecretSource] = field(default_factory=dict)

    def app(self, name: str) -> App | None:
        """The app of that name, or None."""
        return next((app for app in self.apps if app.name == name), None)
