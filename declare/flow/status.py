"""What runs now beside what is declared, and how healthy it is: asked of the engines and of the replicas themselves."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from declare.execute.health import Patient, probe
from declare.execute.serving import find_endpoint
from declare.flow.engines import open_readers
from declare.flow.plan import look
from declare.flow.project import Project
from declare.flow.proxy import render_present
from declare.model import names
from declare.model.app import App, CommandCheck
from declare.model.engine import EngineReader
from declare.model.inventory import ContainerProxy
from declare.model.observed import Container, Observed, Ownership
from declare.model.plan import HostSummary
from declare.model.record import PlacedReplica
from declare.model.status import AppStatus, ProxyStatus, ReplicaStatus, Status

_PROBES_AT_ONCE = 32


def read_status(project: Project) -> Status:
    """One picture of the fleet, with every running replica's health asked now."""
    with open_readers(project.inventory) as engines:
        observed = look(project, engines.all)
        survey = _Survey(project, observed, engines.reachable, datetime.now(UTC))
        return Status(
            project=project.inventory.project,
            hosts=tuple(HostSummary(host.name, host.reachable, host.reason) for host in observed.hosts),
            apps=survey.read_apps(),
            proxies=_read_proxies(project, observed),
        )


@dataclass(frozen=True, slots=True)
class _Found:
    container: Container
    owner: Ownership
    current: bool


class _Survey:
    def __init__(
        self, project: Project, observed: Observed, engines: Mapping[str, EngineReader], now: datetime
    ) -> None:
        self._project = project
        self._observed = observed
        self._engines = engines
        self._now = now
        self._found = _find_replicas(observed, project.inventory.project)

    def read_apps(self) -> tuple[AppStatus, ...]:
        declared = {app.name: app for app in self._project.desired.apps}
        appearing = sorted({*declared, *(found.owner.app for found in self._found)})
        with ThreadPoolExecutor(max_workers=_PROBES_AT_ONCE) as pool:
            futures = [pool.submit(self._read_found, found, declared.get(found.owner.app)) for found in self._found]
            present = [future.result() for future in futures]
        return tuple(self._read_app(name, declared.get(name), present) for name in appearing)

    def _read_app(self, name: str, app: App | None, present: Sequence[ReplicaStatus]) -> AppStatus:
        mine = [replica for replica in present if replica.app == name]
        absent = list(self._read_absent(app, {replica.replica for replica in mine})) if app else []
        replicas = sorted([*mine, *absent], key=_replica_order)
        return AppStatus(
            name=name,
            desired=self._count_desired(app) if app else 0,
            replicas=tuple(replicas),
            image=app.image if app else "",
            revision=max((replica.revision for replica in replicas), default=0),
            urls=tuple(_urls(self._project, app)) if app else (),
        )

    def _count_desired(self, app: App) -> int:
        return len(self._declared_replicas(app))

    def _declared_replicas(self, app: App) -> list[str]:
        if app.mode == "replicated":
            return [str(number) for number in range(1, app.replicas + 1)]
        return [
            host.name
            for host in self._project.inventory.hosts
            if host.state == "active"
            and all(host.labels.get(label) in values for label, values in app.placement.require.items())
        ]

    def _read_absent(self, app: App, present: set[str]) -> Iterable[ReplicaStatus]:
        remembered = _remembered(self._observed, app.name)
        for replica in self._declared_replicas(app):
            if replica in present:
                continue
            placed = remembered.get(replica)
            if placed:
                addresses = tuple(f":{port}" for _, port in placed.ports)
                yield ReplicaStatus(
                    app.name, replica, placed.host, "unknown", "unknown", addresses, container=placed.container
                )
            else:
                yield ReplicaStatus(app.name, replica, "", "missing")

    def _read_found(self, found: _Found, app: App | None) -> ReplicaStatus:
        container, owner = found.container, found.owner
        failed = container.name.endswith(names.failed_container(""))
        return ReplicaStatus(
            app=owner.app,
            replica=owner.replica,
            host=container.host,
            state=container.state,
            health=self._read_health(container, app) if found.current else "",
            addresses=tuple(f"{binding.host_ip}:{binding.host_port}" for binding in owner.ports),
            age=_age(container, self._now),
            restarts=container.restart_count,
            image=container.image or str(owner.spec.get("image", "")),
            image_id=container.image_id,
            digest=self._digest(container, app),
            revision=owner.revision,
            container=container.name,
            surplus=not found.current or app is None or owner.replica not in self._declared_replicas(app),
            note="failed; kept for its logs" if failed else "",
        )

    def _read_health(self, container: Container, app: App | None) -> str:
        if container.state != "running":
            return ""
        check = app.healthcheck if app else None
        if app is None or check is None or isinstance(check.check, CommandCheck):
            return container.health or ""
        address = next((host.address for host in self._observed.hosts if host.name == container.host), "")
        endpoint = find_endpoint(app, address, container.bindings, port=check.port)
        engine = self._engines[container.host]
        answer = probe(Patient(engine, container.id, app, endpoint), container)
        return "healthy" if answer.good else "unhealthy"

    def _digest(self, container: Container, app: App | None) -> str:
        host = self._observed.host(container.host)
        image = host.images.get(app.image) if host and app else None
        if image is None or image.id != container.image_id or not image.digests:
            return ""
        return image.digests[0].partition("@")[2]


def _find_replicas(observed: Observed, project: str) -> list[_Found]:
    """All of the project's replica containers; of several of one replica, a running one counts, then the newest."""
    best: dict[tuple[str, str], Container] = {}
    mine: list[tuple[Container, Ownership]] = []
    for host in observed.hosts:
        for container in host.containers:
            owner = container.owner
            if owner is None or owner.project != project or owner.role != "replica":
                continue
            mine.append((container, owner))
            key = (owner.app, owner.replica)
            if key not in best or _rank(container) > _rank(best[key]):
                best[key] = container
    return [_Found(c, owner, best[(owner.app, owner.replica)] is c) for c, owner in mine]


def _rank(container: Container) -> tuple[bool, int, str]:
    return container.is_running, container.owner.generation if container.owner else 0, container.id


def _remembered(observed: Observed, app: str) -> dict[str, PlacedReplica]:
    silent = {host.name for host in observed.unreachable}
    placements = observed.record.placements if observed.record else ()
    return {placed.replica: placed for placed in placements if placed.app == app and placed.host in silent}


def _replica_order(replica: ReplicaStatus) -> tuple[bool, int, str, str]:
    number = int(replica.replica) if replica.replica.isdigit() else 0
    return replica.surplus, number, replica.replica, replica.container


def _age(container: Container, now: datetime) -> float | None:
    if not container.is_running or not container.started_at:
        return None
    try:
        started = datetime.fromisoformat(container.started_at[:19] + "+00:00")
    except ValueError:
        return None
    return max(0.0, (now - started).total_seconds())


def _urls(project: Project, app: App) -> Iterable[str]:
    proxy = project.inventory.proxy
    if proxy is None:
        return
    for route in app.routes:
        scheme, port, usual = ("https", proxy.https, 443) if route.tls else ("http", proxy.http, 80)
        shown = "" if port == usual else f":{port}"
        yield f"{scheme}://{route.host}{shown}{route.path}"


def _read_proxies(project: Project, observed: Observed) -> tuple[ProxyStatus, ...]:
    settings = project.inventory.proxy
    if settings is None:
        return ()
    wanted = {host: config.hash for host, config in render_present(project, observed).items()}
    if not isinstance(settings.form, ContainerProxy):
        current = observed.file_proxy_hash == wanted.get("") if observed.file_proxy_hash else None
        return (ProxyStatus("", "running" if observed.file_proxy_hash else "unknown", current),)
    return tuple(_read_proxy(name, observed, wanted) for name in settings.form.hosts)


def _read_proxy(name: str, observed: Observed, wanted: Mapping[str, str]) -> ProxyStatus:
    host = observed.host(name)
    if host is None or not host.reachable:
        return ProxyStatus(name, "unknown", None, host.reason if host else "not in the inventory")
    if host.proxy is None:
        return ProxyStatus(name, "missing")
    served = host.proxy.served_hash
    return ProxyStatus(name, host.proxy.container.state, served == wanted.get(name) if served else None)
