"""A plan: the differences between desired and observed, and what will be done about each. Values without behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from declare.model.app import Order
from declare.model.canonical import Json
from declare.model.fields import Forces
from declare.model.observed import PortBinding
from declare.model.problem import Problem, Source
from declare.model.proxy import ProxyModel


class Action(Enum):
    """The kind of a change."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    MOVE = "move"
    REMOVE = "remove"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. `path` as the user writes it ("environment.LOG_LEVEL"); None is "not set".

    `secret` hides both values: only that they differ is known.
    """

    path: str
    old: Json
    new: Json
    forces: Forces
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Existing:
    """A container that a change is about."""

    id: str
    name: str
    host: str
    generation: int
    running: bool
    bindings: tuple[PortBinding, ...] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """A container that will be made."""

    name: str
    host: str
    generation: int
    bindings: tuple[PortBinding, ...] = ()


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing altered by hand that is put back without a new container: `verb` start, unpause, rename or set."""

    verb: str
    detail: str = ""
    settings: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReplicaChange:
    """What happens to one replica. `old` and `new` as the action has them; `cause` in a few words, "" when kept.

    `leftovers` are older containers of the same replica, removed when it serves again.
    """

    app: str
    replica: str
    action: Action
    cause: str = ""
    old: Existing | None = None
    new: Placed | None = None
    repairs: tuple[Repair, ...] = ()
    leftovers: tuple[Existing, ...] = ()

    def __str__(self) -> str:
        return f"{self.app}/{self.replica}"


@dataclass(frozen=True, slots=True)
class AppChange:
    """What happens to one app. `revision` is the number it will have; `spec` the container spec for the label.

    `image_id` is what all its containers run, None while it still has to be pulled (`digest` pins it then, if known).
    `gap` is the expected time without service in seconds, and `order_cause` why it is replaced stop-first.
    `allowed` names what it uses of the inventory's `allow` list.
    """

    name: str
    action: Action
    replicas: tuple[ReplicaChange, ...] = ()
    fields: tuple[FieldChange, ...] = ()
    revision: int = 0
    image: str = ""
    image_id: str | None = None
    digest: str | None = None
    spec: Mapping[str, Json] = field(default_factory=dict)
    order: Order = "start-first"
    order_cause: str = ""
    parallelism: int = 1
    gap: float = 0.0
    allowed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failed: tuple[Existing, ...] = ()
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference that no manifest made: what was found, and what apply does about it."""

    subject: str
    host: str
    found: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ImagePull:
    """An image that hosts lack: asked from a registry, or copied from `copy_from` where no registry has it."""

    image: str
    hosts: tuple[str, ...]
    digest: str | None = None
    platform: str | None = None
    copy_from: str | None = None


@dataclass(frozen=True, slots=True)
class VolumeCreate:
    """A volume that a replica needs on a host."""

    name: str
    host: str
    driver: str = "local"
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VolumeRemove:
    """A volume that goes with its data, because the user asked for just that."""

    name: str
    host: str


@dataclass(frozen=True, slots=True)
class RouteChange:
    """A route whose settings or replicas change; no replicas and no app: it goes."""

    route: str
    app: str
    replicas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProxyHostChange:
    """nginx on one host (form a) or the user's own (host ""): `action` UPDATE means a new configuration."""

    host: str
    action: Action
    cause: str = ""
    old: Existing | None = None
    new: Placed | None = None
    ack_port: int = 0


@dataclass(frozen=True, slots=True)
class ProxyChange:
    """The load balancer: what it shall serve in the end, and what happens on each of its hosts."""

    model: ProxyModel
    hosts: tuple[ProxyHostChange, ...] = ()
    routes: tuple[RouteChange, ...] = ()

    @property
    def is_empty(self) -> bool:
        return all(host.action is Action.KEEP for host in self.hosts)


@dataclass(frozen=True, slots=True)
class HostSummary:
    """A host as the plan saw it; `reason` says why it could not be reached, `lost` that its replicas are given up."""

    name: str
    reachable: bool
    reason: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All differences, apps in the order of their names; removals are apps whose action is REMOVE.

    `leftovers` are containers of ours that belong to nothing declared any more and to no app's change.
    `complete` is False while a host could not be read.
    """

    project: str
    hosts: tuple[HostSummary, ...]
    apps: tuple[AppChange, ...] = ()
    proxy: ProxyChange | None = None
    pulls: tuple[ImagePull, ...] = ()
    volumes: tuple[VolumeCreate, ...] = ()
    volume_removals: tuple[VolumeRemove, ...] = ()
    drift: tuple[Drift, ...] = ()
    leftovers: tuple[Existing, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def complete(self) -> bool:
        return all(host.reachable or host.lost for host in self.hosts)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do: every app kept without a changed field, and nothing to pull or remove."""
        return (
            all(app.action is Action.KEEP for app in self.apps)
            and (self.proxy is None or self.proxy.is_empty)
            and not (self.leftovers or self.volumes or self.volume_removals)
        )
