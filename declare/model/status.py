"""What runs now beside what is declared: the values that `status` and `hosts` show."""

from dataclasses import dataclass

from declare.model.inventory import HostState
from declare.model.plan import HostSummary


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One replica. `state` is Docker's word, "missing" where a declared replica has no container, "unknown" where its
    host could not be read; `health` is healthy, unhealthy, starting, unknown, or "" where nothing checks it.

    `addresses` as "10.0.0.11:20411", main port first. `age` in seconds since its start, None if it does not run.
    `surplus`: found, but not declared. `note`: what differs from the declaration, "" if nothing does.
    """

    app: str
    replica: str
    host: str
    state: str
    health: str = ""
    addresses: tuple[str, ...] = ()
    age: float | None = None
    restarts: int = 0
    image: str = ""
    image_id: str = ""
    digest: str = ""
    revision: int = 0
    container: str = ""
    surplus: bool = False
    note: str = ""

    def __str__(self) -> str:
        return f"{self.app}/{self.replica}"

    @property
    def serves(self) -> bool:
        """Whether it runs and no check says otherwise."""
        return self.state == "running" and self.health in ("healthy", "") and not self.surplus


@dataclass(frozen=True, slots=True)
class AppStatus:
    """One app, declared or found. `desired` counts replicas; 0 for an app that is declared no longer."""

    name: str
    desired: int
    replicas: tuple[ReplicaStatus, ...] = ()
    image: str = ""
    revision: int = 0
    urls: tuple[str, ...] = ()

    @property
    def serving(self) -> int:
        """How many replicas serve."""
        return sum(replica.serves for replica in self.replicas)


@dataclass(frozen=True, slots=True)
class ProxyStatus:
    """nginx on one host (form a) or the user's own (host ""). `current`: it serves the configuration that the present
    fleet would get; None if that could not be read. `state` as for a replica.
    """

    host: str
    state: str
    current: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The fleet at one moment: apps in the order of their names."""

    project: str
    hosts: tuple[HostSummary, ...]
    apps: tuple[AppStatus, ...] = ()
    proxies: tuple[ProxyStatus, ...] = ()

    @property
    def complete(self) -> bool:
        return all(host.reachable or host.lost for host in self.hosts)


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host. Cores and bytes `used` are what all its containers reserve; totals are None if it was not read.

    `ours` and `foreign` count containers. `clock_offset`: its clock minus ours in seconds.
    """

    name: str
    engine: str
    address: str = ""
    reachable: bool = True
    reason: str = ""
    lost: bool = False
    state: HostState = "active"
    version: str = ""
    cpus: float | None = None
    cpus_used: float = 0.0
    memory: int | None = None
    memory_used: int = 0
    ours: int = 0
    foreign: int = 0
    clock_offset: float = 0.0
