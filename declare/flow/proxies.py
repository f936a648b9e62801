"""The proxies of a project: how they are read, what they would be given, how an apply drives them."""

from collections.abc import Mapping

from declare.execute.balancer import Proxy, with_endpoints
from declare.execute.guard import Ledger
from declare.execute.proxies import HostProxy, OwnProxy, Render, RetiredProxy
from declare.execute.serving import find_serving
from declare.model.app import Desired
from declare.model.engine import EngineWriter
from declare.model.event import Listener
from declare.model.inventory import ContainerProxy, FileProxy, Inventory
from declare.model.observed import Observed
from declare.model.plan import Action, Plan
from declare.model.proxy import ProxyModel
from declare.proxy.config import Acknowledgement, NginxConfig
from declare.proxy.read import read_proxy
from declare.proxy.version import parse_image_version

__all__ = ["open_proxies", "present_model", "read_own_hash", "read_proxy", "renderer", "serve_already"]


def renderer(inventory: Inventory, addresses: Mapping[str, str]) -> Render:
    """How this inventory's proxies are configured. Certificates are read once, when they are first needed."""
    settings = inventory.proxy
    if settings is None:
        raise ValueError("the inventory has no proxy")
    form = settings.form
    version = parse_image_version(form.image) if isinstance(form, ContainerProxy) else None

    def render_for(model: ProxyModel, host: str, ack_port: int) -> NginxConfig:
        from declare.proxy.own import parse_ack
        from declare.proxy.render import render
        from declare.proxy.tls import read_certificates

        contained = isinstance(form, ContainerProxy)
        ack = parse_ack(form.ack) if isinstance(form, FileProxy) else Acknowledgement(addresses[host], ack_port)
        certificates = read_certificates(model, root=inventory.root, contained=contained)
        return render(model, ack=ack, contained=contained, version=version, certificates=certificates)

    return render_for


def read_own_hash(inventory: Inventory) -> str | None:
    """The hash of what the user's own nginx has in its file and serves; None in form a, "" where the two differ."""
    settings = inventory.proxy
    if settings is None or not isinstance(settings.form, FileProxy):
        return None
    from declare.proxy.own import read_own

    found = read_own(settings.form, root=inventory.root)
    return found.served_hash or "" if found.served_hash == found.file_hash else ""


def open_proxies(
    plan: Plan, inventory: Inventory, engines: Mapping[str, EngineWriter], *, addresses: Mapping[str, str],
    operation: str, listener: Listener, ledger: Ledger,
) -> list[Proxy]:  # fmt: skip
    """One driver for each proxy host of the plan, in the order of their names."""
    form = inventory.proxy.form if inventory.proxy else None
    proxies: list[Proxy] = []
    for change in plan.proxy.hosts if plan.proxy else ():
        engine = engines.get(change.host)
        if change.action is Action.REMOVE:
            if change.old is not None:
                proxies.append(RetiredProxy(change.host, change.old, engine, listener))
        elif isinstance(form, FileProxy):
            render = renderer(inventory, addresses)
            proxies.append(OwnProxy(form, root=inventory.root, render=render, listener=listener, ledger=ledger))
        elif form is not None:
            proxies.append(
                HostProxy(
                    change,
                    engine,
                    project=plan.project,
                    image=form.image,
                    operation=operation,
                    render=renderer(inventory, addresses),
                    listener=listener,
                )
            )
    return proxies


def present_model(plan: Plan, desired: Desired, addresses: Mapping[str, str]) -> ProxyModel | None:
    """What the present fleet would get: the plan's sites, before the replicas that serve now."""
    if plan.proxy is None:
        return None
    serving = {change.name: find_serving(change, desired.app(change.name), addresses) for change in plan.apps}
    return with_endpoints(plan.proxy.model, serving)


def serve_already(model: ProxyModel | None, plan: Plan, inventory: Inventory, observed: Observed) -> bool:
    """Whether every proxy has this model in its file and serves it, and none is to be made or retired."""
    if model is None or plan.proxy is None or plan.proxy.is_empty:
        return True
    if any(change.action not in (Action.UPDATE, Action.KEEP) for change in plan.proxy.hosts):
        return False
    render = renderer(inventory, {host.name: host.address for host in observed.hosts})
    found = {change: _found_hash(change.host, observed) for change in plan.proxy.hosts}
    return all(has and has == render(model, change.host, change.ack_port).hash for change, has in found.items())


def _found_hash(name: str, observed: Observed) -> str | None:
    if not name:
        return observed.file_proxy_hash
    host = observed.host(name)
    if host is None or host.proxy is None or host.proxy.file_hash != host.proxy.served_hash:
        return None
    return host.proxy.served_hash
