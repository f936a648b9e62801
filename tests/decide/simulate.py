"""The fleet as it is after a plan was carried out without a fault: what the executor leaves, without an engine."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256

from declare.model import names
from declare.model.app import App, Desired
from declare.model.inventory import ContainerProxy, Inventory
from declare.model.observed import Container, Image, Observed, ObservedHost, ObservedProxy, Ownership, Volume
from declare.model.plan import Action, AppChange, ImagePull, Plan, ProxyHostChange, ReplicaChange, VolumeCreate
from declare.model.proxy import ProxyModel
from declare.model.record import AppRecord, KnownHost, PlacedReplica, Record, Revision
from declare.model.settings import declared_settings

Render = Callable[[ProxyModel, str, int], str]


def simulate(observed: Observed, plan: Plan, desired: Desired, inventory: Inventory, render: Render) -> Observed:
    """What would be observed next. Unreachable hosts stay as they are."""
    hosts = {host.name: host for host in observed.hosts}
    for pull in plan.pulls:
        _pull(hosts, pull)
    for volume in plan.volumes:
        hosts[volume.host] = replace(
            hosts[volume.host], volumes={**hosts[volume.host].volumes, volume.name: _made(volume, plan.project)}
        )
    for change in plan.apps:
        _change_app(hosts, change, plan.project, desired.app(change.name))
    for leftover in plan.leftovers:
        _drop(hosts, leftover.host, leftover.id)
    if plan.proxy:
        for proxy in plan.proxy.hosts:
            _change_proxy(hosts, proxy, plan, inventory, render)
    answering = [host for host in hosts.values() if host.reachable]
    for host in answering:
        hosts[host.name] = _leave_record(host, plan.project)
    record = _write_record(observed, plan, desired, hosts)
    return replace(observed, hosts=tuple(hosts[name] for name in sorted(hosts)), record=record)


def _pull(hosts: dict[str, ObservedHost], pull: ImagePull) -> None:
    copied = hosts[pull.copy_from].images[pull.image] if pull.copy_from else None
    content = pull.digest or pull.image
    identity = f"sha256:{sha256(content.encode()).hexdigest()}"
    digests = (f"repo@{pull.digest}",) if pull.digest else ()
    image = copied or Image(identity, (pull.image,), digests, has_healthcheck=False)
    if pull.digest and not copied:
        others = (h.images.get(pull.image) for h in hosts.values())
        same = [i for i in others if i and any(d.endswith(pull.digest) for d in i.digests)]
        image = same[0] if same else image
    for name in pull.hosts:
        hosts[name] = replace(hosts[name], images={**hosts[name].images, pull.image: image})


def _change_app(hosts: dict[str, ObservedHost], change: AppChange, project: str, app: App | None) -> None:
    for replica in change.replicas:
        moves = replica.action in (Action.MOVE, Action.REPLACE, Action.REMOVE)
        for gone in (*((replica.old,) if moves and replica.old else ()), *replica.leftovers):
            _drop(hosts, gone.host, gone.id)
        if replica.new and app:
            _make(hosts, change, replica, project)
        if replica.action is Action.UPDATE and replica.repairs:
            _repair(hosts, change, replica)
    for failed in change.failed:
        _drop(hosts, failed.host, failed.id)


def _make(hosts: dict[str, ObservedHost], change: AppChange, replica: ReplicaChange, project: str) -> None:
    new = replica.new
    assert new is not None
    host = hosts[new.host]
    owner = Ownership(
        project,
        "replica",
        change.name,
        replica.replica,
        new.generation,
        change.revision,
        change.spec,
        new.bindings,
    )
    container = Container(
        new.host,
        f"id-{new.host}-{new.name}",
        new.name,
        "running",
        host.images[change.image].id,
        image=change.image,
        owner=owner,
        bindings=new.bindings,
        settings=declared_settings(change.spec),
    )
    hosts[new.host] = replace(host, containers=(*host.containers, container))


def _repair(hosts: dict[str, ObservedHost], change: AppChange, replica: ReplicaChange) -> None:
    assert replica.old is not None
    host, old = hosts[replica.old.host], replica.old
    name = names.replica_container(_project(host, old.id), change.name, replica.replica, old.generation)
    settings = declared_settings(change.spec)
    containers = tuple(
        replace(c, state="running", name=name, settings={**(c.settings or {}), **settings}) if c.id == old.id else c
        for c in host.containers
    )
    hosts[host.name] = replace(host, containers=containers)


def _project(host: ObservedHost, identity: str) -> str:
    return next(c.owner.project for c in host.containers if c.id == identity and c.owner)


def _drop(hosts: dict[str, ObservedHost], host: str, identity: str) -> None:
    kept = tuple(c for c in hosts[host].containers if c.id != identity)
    hosts[host] = replace(hosts[host], containers=kept)


def _change_proxy(
    hosts: dict[str, ObservedHost], change: ProxyHostChange, plan: Plan, inventory: Inventory, render: Render
) -> None:
    assert plan.proxy is not None
    assert change.host
    if change.old and change.action in (Action.REPLACE, Action.REMOVE):
        _drop(hosts, change.host, change.old.id)
        hosts[change.host] = replace(hosts[change.host], proxy=None)
    settings = inventory.proxy
    if change.new and settings and isinstance(settings.form, ContainerProxy):
        host, new = hosts[change.host], change.new
        owner = Ownership(plan.project, "proxy", generation=new.generation, ports=new.bindings)
        image = host.images[settings.form.image].id
        container = Container(host.name, f"id-{host.name}-{new.name}", new.name, "running", image, owner=owner)
        hosts[change.host] = replace(
            host, containers=(*host.containers, container), proxy=ObservedProxy(container, change.ack_port)
        )
    proxy = hosts[change.host].proxy
    if proxy and change.action is not Action.KEEP:
        wanted = render(plan.proxy.model, change.host, change.ack_port)
        served = replace(proxy, file_hash=wanted, served_hash=wanted)
        hosts[change.host] = replace(hosts[change.host], proxy=served)


def _leave_record(host: ObservedHost, project: str) -> ObservedHost:
    name = names.record_container(project)
    if any(container.name == name for container in host.containers):
        return host
    owner = Ownership(project, "record")
    container = Container(host.name, f"id-{host.name}-{name}", name, "created", "sha256:empty", owner=owner)
    return replace(host, containers=(*host.containers, container), token=host.token or f"token-{host.name}")


def _write_record(observed: Observed, plan: Plan, desired: Desired, hosts: Mapping[str, ObservedHost]) -> Record:
    old = observed.record or Record(plan.project, 0, "00")
    lost = {host.name for host in plan.hosts if host.lost}
    known = {
        name: KnownHost(host.engine.id, host.token or "")
        for name, host in hosts.items()
        if host.reachable and host.engine and name not in lost
    }
    planned = {change.name for change in plan.apps}
    placements = [p for p in old.placements if p.app not in planned]
    placements += [p for change in plan.apps for p in _placements(change)]
    apps = {name: app for name, app in old.apps.items() if name not in planned}
    for change in plan.apps:
        app = desired.app(change.name)
        if app and change.action is not Action.REMOVE:
            apps[change.name] = _remember(old.apps.get(change.name), change, app)
    return Record(
        plan.project,
        old.sequence + 1,
        old.key,
        {**{n: h for n, h in old.hosts.items() if n not in lost}, **known},
        tuple(sorted(placements)),
        apps,
        _routes(old, plan),
    )


def _placements(change: AppChange) -> Iterable[PlacedReplica]:
    for replica in change.replicas:
        side = replica.new or replica.old
        if side and replica.action is not Action.REMOVE:
            ports = tuple((b.name, b.host_port) for b in side.bindings if b.name)
            published = tuple((b.host_port, b.host_ip, b.protocol) for b in side.bindings if not b.name)
            yield PlacedReplica(change.name, replica.replica, side.host, side.name, ports, published)


def _remember(known: AppRecord | None, change: AppChange, app: App) -> AppRecord:
    revisions = known.revisions if known else ()
    if change.revision not in {revision.number for revision in revisions}:
        revisions = (*revisions, Revision(change.revision, app.spec, result="succeeded"))
    return AppRecord(app.spec, revisions)


def _routes(old: Record, plan: Plan) -> Mapping[str, tuple[str, ...]]:
    routes = dict(old.routes)
    for change in plan.proxy.routes if plan.proxy else ():
        routes.pop(change.route, None)
        if change.app:
            routes[change.route] = change.replicas
    return routes


def _made(volume: VolumeCreate, project: str) -> Volume:
    return Volume(project, volume.driver, volume.driver_opts, volume.labels)
