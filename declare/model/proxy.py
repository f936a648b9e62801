"""What the load balancer shall do: sites and the addresses behind them, independent of the software that does it."""

from dataclasses import dataclass

from declare.model.app import Route


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """A replica as the load balancer reaches it; `weight` is its share among its app's endpoints."""

    address: str
    port: int
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Upstream:
    """The endpoints of one app, sorted; none: the app answers 503."""

    app: str
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """A route of an app with what nginx allows on it. Seconds and bytes."""

    route: Route
    app: str
    read_timeout: float
    max_body_size: int


@dataclass(frozen=True, slots=True)
class ProxyModel:
    """All that a load balancer of a project serves: sites in the order of host and path, upstreams by app."""

    project: str
    http: int
    https: int | None
    sites: tuple[Site, ...] = ()
    upstreams: tuple[Upstream, ...] = ()
