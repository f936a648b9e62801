"""The hosts of one project, how to reach them, and what apps may do on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from declare.model.app import Resources, TlsFiles
from declare.model.problem import Source

HostState = Literal["active", "cordoned", "drained"]


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """One way to an engine. `location` is a socket's path, "host:port", "user@host[:port]", or a context's name.

    `ca` and `client` belong to tcp only; `insecure` allows plain TCP. `remote_socket` is the engine's socket on an
    ssh host.
    """

    scheme: Literal["unix", "tcp", "ssh", "context"]
    location: str
    ca: str | None = None
    client: TlsFiles | None = None
    insecure: bool = False
    remote_socket: str = "/var/run/docker.sock"

    def __str__(self) -> str:
        return f"context {self.location}" if self.scheme == "context" else f"{self.scheme}://{self.location}"


@dataclass(frozen=True, slots=True)
class Host:
    """One machine with a Docker engine. `capacity` None, or a zero in it, is what the engine reports."""

    name: str
    engine: EngineAddress
    address: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    capacity: Resources | None = None
    state: HostState = "active"
    source: Source | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class PortRange:
    """Host ports that declare may allocate, both ends included."""

    first: int = 20000
    last: int = 29999

    def __contains__(self, port: object) -> bool:
        return isinstance(port, int) and self.first <= port <= self.last

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class ContainerProxy:
    """nginx in a container of declare's own on these hosts. `image` is its reference."""

    hosts: tuple[str, ...]
    image: str


@dataclass(frozen=True, slots=True)
class FileProxy:
    """An nginx of the user's own: a file, and commands run on this machine without a shell ("{config}" is the file)."""

    config: str
    test: tuple[str, ...]
    reload: tuple[str, ...]
    ack: str


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """The load balancer in one of its two forms; https None leaves TLS closed."""

    form: ContainerProxy | FileProxy
    http: int = 80
    https: int | None = 443


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """After how many silent seconds a host is lost, and how many hosts a minute may be given up."""

    after: float = 30.0
    move: int = 1


Allowance = Literal[
    "privileged", "host_namespaces", "devices", "host_paths", "docker_socket", "capabilities", "low_ports"
]


@dataclass(frozen=True, slots=True)
class Inventory:
    """One environment: hosts in the order of their names. `root` is the folder of the file, for relative paths."""

    project: str
    hosts: tuple[Host, ...]
    ports: PortRange = PortRange()
    proxy: ProxySettings | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    allow: frozenset[Allowance] = frozenset()
    failure: FailurePolicy = FailurePolicy()
    path: str = "inventory.yaml"
    root: str = "."

    def host(self, name: str) -> Host | None:
        """The host of that name, or None."""
        return next((host for host in self.hosts if host.name == name), None)
