"""From files to a plan: observe the hosts, decide. Holds no writing client unless an apply lends it one."""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from declare.decide.options import PlanOptions
from declare.fleet.observe import Look, observe, resolve_digests
from declare.flow.engines import open_readers
from declare.flow.project import Project
from declare.model.app import Desired, SecretValue
from declare.model.canonical import fingerprint
from declare.model.engine import EngineReader
from declare.model.errors import Unreachable
from declare.model.inventory import ContainerProxy, Inventory
from declare.model.observed import Container, Observed, ObservedProxy
from declare.model.plan import Plan
from declare.model.record import Record

if TYPE_CHECKING:
    from declare.model.proxy import ProxyModel


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What the user asked of the plan. `apps` empty: all. `prune` None: remove what the manifests lack only where
    they are all there are.
    """

    apps: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    prune: bool | None = None
    allow_removal: int | None = None
    destroy: bool = False
    volumes: bool = False
    restart: tuple[str, ...] = ()
    inspect_all: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with all that it was made from. `key` is the fleet's fingerprint key, None before the first apply."""

    plan: Plan
    project: Project
    request: PlanRequest
    observed: Observed
    values: Mapping[str, SecretValue] = field(default_factory=dict)
    key: str | None = None

    @property
    def inventory(self) -> Inventory:
        return self.project.inventory

    @property
    def desired(self) -> Desired:
        return self.project.desired

    @property
    def record(self) -> Record | None:
        return self.observed.record


def plan_project(project: Project, request: PlanRequest, *, meanwhile: Callable[[], object] | None = None) -> Planned:
    """Read the hosts and decide; nothing is written. `meanwhile` is called once, while the hosts answer."""
    values = read_values(project, request)
    with open_readers(project.inventory) as engines, ThreadPoolExecutor(max_workers=1) as aside:
        observing = aside.submit(look, project, engines.all, inspect_all=request.inspect_all)
        import declare.decide.plan  # noqa: F401 - takes nearly as long as the hosts take to answer

        if meanwhile:
            meanwhile()
        observed = observing.result()
    return decide(project, request, observed, values)


def read_values(project: Project, request: PlanRequest) -> Mapping[str, SecretValue]:
    """The values of all declared secrets, by name; raises InputError with every one that is missing."""
    if request.destroy or not project.desired.secrets:
        return {}
    from declare.load.secrets import read_secrets

    return read_secrets(project.desired, project.environment, Path(project.inventory.root))


def look(
    project: Project,
    engines: Mapping[str, EngineReader | Unreachable],
    *,
    read_record: bool = True,
    inspect_all: bool = False,
) -> Observed:
    """The fleet as it is, with what the registry says of images that must always be the newest."""
    apps = project.desired.apps
    images = {app.image for app in apps} | _proxy_image(project.inventory)
    observed = observe(
        engines,
        Look(
            project=project.inventory.project,
            images=tuple(sorted(images)),
            read_proxy=_read_proxy,
            read_record=read_record,
            inspect_all=inspect_all,
        ),
    )
    if project.inventory.proxy is not None:
        from declare.flow.proxies import read_own_hash

        observed = replace(observed, file_proxy_hash=read_own_hash(project.inventory))
    newest = sorted({app.image for app in apps if app.pull_policy == "always"})
    if not newest:
        return observed
    answering = {host.name for host in observed.hosts if host.reachable}
    readers = {name: engine for name, engine in engines.items() if name in answering}
    return resolve_digests(observed, {n: e for n, e in readers.items() if not isinstance(e, Unreachable)}, newest)


def decide(
    project: Project,
    request: PlanRequest,
    observed: Observed,
    values: Mapping[str, SecretValue],
    *,
    key: str | None = None,
) -> Planned:
    """The plan for one picture of the fleet. `key` is used where the fleet has no fingerprint key of its own yet."""
    from declare.decide.plan import make_plan

    key = observed.record.key if observed.record else key
    plan = make_plan(
        project.desired,
        project.inventory,
        observed,
        fingerprints=_fingerprints(values, key),
        options=PlanOptions(
            apps=request.apps or None,
            prune=(project.whole and not request.apps) if request.prune is None else request.prune,
            lost=frozenset(request.lost),
            allow_removal=request.allow_removal,
            destroy=request.destroy,
            volumes=request.volumes,
            restart=frozenset(request.restart),
        ),
        render=_renderer(project, observed),
    )
    return Planned(plan, project, request, observed, values, key)


def _read_proxy(engine: EngineReader, container: Container) -> ObservedProxy | None:
    from declare.flow.proxies import read_proxy

    return read_proxy(engine, container)


def _proxy_image(inventory: Inventory) -> set[str]:
    proxy = inventory.proxy
    return {proxy.form.image} if proxy and isinstance(proxy.form, ContainerProxy) else set()


def make_key() -> str:
    """A new fingerprint key, hexadecimal."""
    return secrets.token_hex(32)


def _fingerprints(values: Mapping[str, SecretValue], key: str | None) -> dict[str, str]:
    if key is None:
        return {}
    return {name: fingerprint(bytes.fromhex(key), value.reveal()) for name, value in sorted(values.items())}


def _renderer(project: Project, observed: Observed) -> "Callable[[ProxyModel, str, int], str] | None":
    if project.inventory.proxy is None:
        return None
    from declare.flow.proxies import renderer

    render = renderer(project.inventory, {host.name: host.address for host in observed.hosts})
    return lambda model, host, ack_port: render(model, host, ack_port).hash
