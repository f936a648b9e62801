"""What the load balancer shall serve when the plan is done: each route with the addresses of its app's replicas."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from declare.decide.replicas import natural
from declare.decide.situation import Key, Situation
from declare.model.app import App, ProxyRules, Route, TlsFiles
from declare.model.canonical import Json
from declare.model.observed import PortBinding
from declare.model.plan import Action, AppChange, RouteChange
from declare.model.proxy import Endpoint, ProxyModel, Site, Upstream
from declare.model.quantity import parse_duration, parse_size


@dataclass(frozen=True, slots=True)
class Served:
    """An app as the load balancer sees it: its routes, their rules, and its endpoints by replica."""

    app: str
    routes: Sequence[Route]
    rules: ProxyRules
    endpoints: Mapping[str, Endpoint]


def build_model(situation: Situation, served: Iterable[Served]) -> ProxyModel:
    """Sites in the order of host and path. Where two apps have one route, the first one given has it."""
    settings = situation.inventory.proxy
    sites: dict[tuple[str, str], Site] = {}
    upstreams: dict[str, Upstream] = {}
    for app in served:
        for route in app.routes:
            site = Site(route, app.app, app.rules.read_timeout, app.rules.max_body_size)
            sites.setdefault((route.host, route.path), site)
        upstreams[app.app] = Upstream(app.app, tuple(sorted(set(app.endpoints.values()))))
    used = {site.app for site in sites.values()}
    return ProxyModel(
        project=situation.project,
        http=settings.http if settings else 0,
        https=settings.https if settings else None,
        sites=tuple(site for _, site in sorted(sites.items(), key=lambda item: item[0])),
        upstreams=tuple(upstream for app, upstream in sorted(upstreams.items()) if app in used),
    )


def serve_apps(situation: Situation, changes: Iterable[AppChange]) -> list[Served]:
    """Every app that has routes in the end; declared ones first, then those that are left alone."""
    by_name = {change.name: change for change in changes}
    served = [_serve_declared(situation, wish.app, by_name[name]) for name, wish in situation.wishes.items()]
    if not situation.options.destroy or situation.options.apps is not None:
        others = situation.bystanders.keys() | situation.sorted.replicas.keys() | _placed_apps(situation)
        served += [_serve_other(situation, name) for name in sorted(others - by_name.keys())]
    return [app for app in served if app.routes]


def diff_routes(situation: Situation, model: ProxyModel, served: Iterable[Served]) -> Iterator[RouteChange]:
    """The routes whose replicas differ from those in the record, and those that are new or go."""
    replicas = {app.app: tuple(f"{app.app}/{name}" for name in sorted(app.endpoints, key=natural)) for app in served}
    record = situation.observed.record
    old = record.routes if record else {}
    new = {str(site.route): site.app for site in model.sites}
    for route in sorted(old.keys() | new.keys()):
        if route not in new:
            yield RouteChange(route, "")
        elif route not in old or tuple(old[route]) != replicas[new[route]]:
            yield RouteChange(route, new[route], replicas[new[route]])


def _serve_declared(situation: Situation, app: App, change: AppChange) -> Served:
    endpoints = {}
    for replica in change.replicas if app.routes else ():
        side = None if replica.action is Action.REMOVE else replica.new or replica.old
        address = situation.views[side.host].address if side else ""
        port = _port_of(app, side.bindings) if side else None
        if port and address:
            endpoints[replica.replica] = Endpoint(address, port)
    return Served(app.name, app.routes, app.proxy, endpoints)


def _port_of(app: App, bindings: Sequence[PortBinding]) -> int | None:
    name = app.main_port
    if app.host_network:
        return app.ports[name] if name else None
    return next((b.host_port for b in bindings if b.name and b.name == name), None)


def _serve_other(situation: Situation, name: str) -> Served:
    """An app that this plan does not touch: as it was applied, if the record knows that, else as it is declared."""
    remembered, wish = situation.remembered(name), situation.bystanders.get(name)
    if remembered:
        routes, rules = read_routes(remembered.spec), read_rules(remembered.spec)
    elif wish and name in situation.sorted.replicas:
        routes, rules = wish.app.routes, wish.app.proxy
    else:
        return Served(name, (), ProxyRules(), {})
    app = wish.app if wish else None
    endpoints = {key[1]: endpoint for key, endpoint in _find_endpoints(situation, name, app)}
    return Served(name, routes, rules, endpoints)


def _find_endpoints(situation: Situation, name: str, app: App | None) -> Iterator[tuple[Key, Endpoint]]:
    for replica, found in situation.sorted.replicas.get(name, {}).items():
        container = found.current
        if container and container.owner and container.host in situation.views:
            port = _main_port(container.owner.ports) or (_port_of(app, ()) if app and app.host_network else None)
            if port:
                yield (name, replica), Endpoint(situation.views[container.host].address, port)
    for key, placed in situation.placed.items():
        view = situation.views.get(placed.host)
        bindings = [PortBinding(0, port, "", name=port_name) for port_name, port in placed.ports]
        if key[0] == name and view and view.silent and view.address and (port := _main_port(bindings)):
            yield key, Endpoint(view.address, port)


def _main_port(bindings: Sequence[PortBinding]) -> int | None:
    named = {binding.name: binding.host_port for binding in bindings if binding.name}
    return named.get("http") or (next(iter(named.values())) if len(named) == 1 else None)


def _placed_apps(situation: Situation) -> set[str]:
    views = situation.views
    return {app for (app, _), p in situation.placed.items() if p.host in views and views[p.host].silent}


def read_routes(spec: Mapping[str, Json]) -> tuple[Route, ...]:
    """The routes of an applied spec, which is canonical and was checked when it was applied."""
    return tuple(_read_route(route) for route in spec.get("routes") or ())


def read_rules(spec: Mapping[str, Json]) -> ProxyRules:
    """The proxy's rules of an applied spec."""
    rules, default = spec.get("proxy") or {}, ProxyRules()
    timeout, size = rules.get("read_timeout"), rules.get("max_body_size")
    return ProxyRules(
        default.read_timeout if timeout is None else parse_duration(str(timeout)),
        default.max_body_size if size is None else parse_size(size),
    )


def _read_route(route: Json) -> Route:
    if isinstance(route, str):
        host, slash, path = route.partition("/")
        return Route(host, slash + path or "/")
    tls = route.get("tls")
    return Route(
        host=route["host"],
        path=route.get("path", "/"),
        strip_prefix=route.get("strip_prefix", False),
        tls=TlsFiles(tls["cert"], tls["key"]) if tls else None,
        redirect=route.get("redirect", True),
    )
