"""Small builders: an inventory, apps as a manifest would give them, and a fleet as it is observed."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from declare.decide.options import PlanOptions
from declare.decide.plan import make_plan
from declare.load.app import parse_app
from declare.model import names
from declare.model.app import App, Desired, Resources, VolumeSpec
from declare.model.canonical import digest
from declare.model.inventory import EngineAddress, Host, HostState, Inventory
from declare.model.observed import Container, EngineInfo, Image, Observed, ObservedHost, Ownership, PortBinding
from declare.model.plan import AppChange, Plan, ReplicaChange
from declare.model.problem import Source
from declare.model.proxy import ProxyModel
from declare.model.quantity import parse_size
from declare.model.settings import declared_settings
from tests.decide.simulate import simulate

PROJECT = "shop"


def make_host(
    name: str,
    *,
    labels: Mapping[str, str] | None = None,
    cpus: float = 4,
    memory: str = "8GiB",
    state: HostState = "active",
) -> Host:
    number = int(name.lstrip("abcdefghijklmnopqrstuvwxyz-") or 1)
    return Host(
        name,
        EngineAddress("unix", f"/run/{name}.sock"),
        address=f"10.0.{number // 250}.{number % 250 + 1}",
        labels=labels or {},
        capacity=Resources(cpus, parse_size(memory)),
        state=state,
    )


def make_inventory(*hosts: Host | str, **fields: Any) -> Inventory:
    made = (make_host(host) if isinstance(host, str) else host for host in hosts)
    return Inventory(PROJECT, tuple(sorted(made, key=lambda host: host.name)), **fields)


def three_hosts(**fields: Any) -> Inventory:
    return make_inventory("h1", "h2", "h3", **fields)


def make_app(name: str = "web", **spec: Any) -> App:
    """An app as a manifest with these fields gives it."""
    return parse_app(name, {"image": f"{name}:1", **spec}, source=Source(f"apps/{name}.yaml", 3))


def make_desired(*apps: App, volumes: Mapping[str, VolumeSpec] | None = None) -> Desired:
    return Desired(tuple(sorted(apps, key=lambda app: app.name)), volumes or {})


def image_id(reference: str) -> str:
    return f"sha256:{sha256(reference.encode()).hexdigest()}"


def make_observed(inventory: Inventory, *, images: Iterable[str] = (), unreachable: Iterable[str] = ()) -> Observed:
    """Empty hosts that have these images."""
    found = {reference: Image(image_id(reference), (reference,), has_healthcheck=False) for reference in images}
    absent = set(unreachable)
    return Observed(
        tuple(
            ObservedHost(host.name, host.address or "", reachable=False, reason="no answer")
            if host.name in absent
            else ObservedHost(
                host.name,
                host.address or "",
                engine=EngineInfo(f"id-{host.name}", "24.0", "1.43", 4, 8 * 2**30),
                images=found,
                token=f"token-{host.name}",
            )
            for host in inventory.hosts
        )
    )


def render(model: ProxyModel, host: str, ack_port: int) -> str:
    return digest([str(model), host, ack_port])


class World:
    """A fleet over time: plan, apply as execution would, break something, plan again."""

    def __init__(self, inventory: Inventory | None = None, *apps: App, volumes: Mapping[str, VolumeSpec] | None = None):
        self.inventory = inventory or three_hosts()
        self.desired = make_desired(*apps, volumes=volumes)
        self.observed = make_observed(self.inventory, images={app.image for app in apps})
        self.fingerprints: dict[str, str] = {}

    def declare(self, *apps: App, volumes: Mapping[str, VolumeSpec] | None = None) -> None:
        self.desired = make_desired(*apps, volumes=volumes)

    def plan(self, **options: Any) -> Plan:
        return make_plan(
            self.desired,
            self.inventory,
            self.observed,
            fingerprints=self.fingerprints,
            options=PlanOptions(**options),
            render=render,
        )

    def apply(self, **options: Any) -> Plan:
        plan = self.plan(**options)
        self.observed = simulate(self.observed, plan, self.desired, self.inventory, render)
        return plan

    def host(self, name: str) -> ObservedHost:
        found = self.observed.host(name)
        assert found is not None
        return found

    def set_host(self, name: str, **fields: Any) -> None:
        hosts = (replace(host, **fields) if host.name == name else host for host in self.observed.hosts)
        self.observed = replace(self.observed, hosts=tuple(hosts))

    def set_state(self, name: str, state: HostState) -> None:
        hosts = (replace(host, state=state) if host.name == name else host for host in self.inventory.hosts)
        self.inventory = replace(self.inventory, hosts=tuple(hosts))

    def cut(self, name: str) -> None:
        """The host does not answer any more."""
        self.set_host(
            name,
            reachable=False,
            reason="no answer",
            engine=None,
            containers=(),
            images={},
            token=None,
            proxy=None,
        )

    def add(self, container: Container) -> None:
        self.set_host(container.host, containers=(*self.host(container.host).containers, container))

    def drop(self, container: Container) -> None:
        kept = tuple(c for c in self.host(container.host).containers if c.id != container.id)
        self.set_host(container.host, containers=kept)

    def alter(self, container: Container, **fields: Any) -> Container:
        changed = replace(container, **fields)
        self.drop(container)
        self.add(changed)
        return changed

    def container(self, app: str, replica: str = "1") -> Container:
        """The running container of a replica."""
        found = [c for c in self.containers() if c.owner and (c.owner.app, c.owner.replica) == (app, replica)]
        assert len(found) == 1, found
        return found[0]

    def containers(self) -> list[Container]:
        return [container for host in self.observed.hosts for container in host.containers]

    def places(self, app: str) -> dict[str, str]:
        """The host of each replica."""
        return {c.owner.replica: c.host for c in self.containers() if c.owner and c.owner.app == app}


def foreign(host: str, name: str = "theirs", *, port: int = 0, **fields: Any) -> Container:
    bindings = (PortBinding(80, port, "0.0.0.0"),) if port else ()
    return Container(host, f"id-{host}-{name}", name, "running", "sha256:theirs", bindings=bindings, **fields)


def replica_container(host: str, app: App, replica: str, generation: int, **fields: Any) -> Container:
    """A container as declare would have made it, without ports."""
    name = names.replica_container(PROJECT, app.name, replica, generation)
    spec = app.container_spec
    container = Container(
        host,
        f"id-{host}-{name}",
        name,
        "running",
        image_id(app.image),
        image=app.image,
        owner=Ownership(PROJECT, "replica", app.name, replica, generation, 1, spec),
        settings=declared_settings(spec),
    )
    return replace(container, **fields)


def change_of(plan: Plan, app: str) -> AppChange:
    return next(change for change in plan.apps if change.name == app)


def replica_of(plan: Plan, subject: str) -> ReplicaChange:
    app, _, replica = subject.partition("/")
    return next(change for change in change_of(plan, app).replicas if change.replica == replica)


def actions(plan: Plan) -> dict[str, str]:
    """The action of every replica that is not kept."""
    return {str(r): r.action.value for app in plan.apps for r in app.replicas if r.action.value != "keep"}


def hosts_of(plan: Plan, app: str) -> dict[str, str]:
    """Where each replica is in the end."""
    sides = {r.replica: r.new or r.old for r in change_of(plan, app).replicas if r.action.value != "remove"}
    return {replica: side.host for replica, side in sides.items() if side}
