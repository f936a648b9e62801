"""Which replicas of an app answer now, and where: the starting point of every change to the load balancer."""

from collections.abc import Mapping

from declare.model.app import App
from declare.model.observed import PortBinding
from declare.model.plan import AppChange
from declare.model.proxy import Endpoint


def find_endpoint(
    app: App, address: str, bindings: tuple[PortBinding, ...], *, port: str | None = None
) -> Endpoint | None:
    """Where a replica answers on the named port (None: the app's main one); None if the app has no such port.

    `address` is its host's, for apps on the host's network, whose ports are not bound by the engine.
    """
    name = port or app.main_port
    if name is None:
        return None
    if app.host_network:
        return Endpoint(address, app.ports[name])
    bound = next((binding for binding in bindings if binding.name == name), None)
    return Endpoint(bound.host_ip, bound.host_port) if bound else None


def find_serving(change: AppChange, app: App | None, addresses: Mapping[str, str]) -> dict[str, Endpoint]:
    """The endpoints of an app's running replicas, by replica, before anything is done."""
    if app is None or not app.routes:
        return {}
    serving = {}
    for replica in change.replicas:
        if replica.old is not None and replica.old.running:
            endpoint = find_endpoint(app, addresses.get(replica.old.host, ""), replica.old.bindings)
            if endpoint:
                serving[replica.replica] = endpoint
    return serving
