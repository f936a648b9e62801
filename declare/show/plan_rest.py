"""The lines of a plan beside its apps: images, volumes, the proxy, and what is left over."""

from collections.abc import Iterator, Sequence

from declare.model.plan import (
    Action,
    Existing,
    ImagePull,
    ProxyChange,
    ProxyHostChange,
    RouteChange,
    VolumeCreate,
    VolumeRemove,
)
from declare.show.lines import Line, Style, columns, line, listed, pad, span
from declare.show.plan_apps import TEXT_COLUMN, VALUE_COLUMN, heading, style_of, symbol_of
from declare.show.values import show_bindings


def show_pull(pull: ImagePull, hosts: Sequence[str]) -> Line:
    """An image that some of these hosts lack."""
    wanted = f"all {len(hosts)} hosts" if len(hosts) > 1 and set(pull.hosts) == set(hosts) else listed(pull.hosts)
    pinned = f" ({pull.digest[:19]}…)" if pull.digest else ""
    how = f"copied from {pull.copy_from} to" if pull.copy_from else "pulled on"
    return Line(heading("+", "image", f"{pull.image}{pinned} {how} {wanted}", Style.CREATE), hang=TEXT_COLUMN)


def show_volume_removal(volume: VolumeRemove) -> Line:
    """A volume that goes with all that is in it."""
    return Line(heading("-", "volume", f"{volume.name} on {volume.host}, and its data", Style.REMOVE), hang=TEXT_COLUMN)


def show_volume(volume: VolumeCreate) -> Line:
    """A volume that will be made."""
    driver = "" if volume.driver == "local" else f" (driver {volume.driver})"
    return Line(heading("+", "volume", f"{volume.name} on {volume.host}{driver}", Style.CREATE), hang=TEXT_COLUMN)


def show_leftover(leftover: Existing) -> Line:
    """A container of ours that belongs to nothing."""
    text = f"{leftover.name} on {leftover.host} belongs to nothing declared"
    return Line(heading("-", "leftover", text, Style.REMOVE), hang=TEXT_COLUMN)


def show_proxy(proxy: ProxyChange) -> Iterator[Line]:
    """The load balancer: its routes first, then the hosts on which more than a reload happens."""
    busy = [host for host in proxy.hosts if host.action is not Action.KEEP]
    if not busy and not proxy.routes:
        return
    kinds = {host.action for host in busy}
    action = kinds.pop() if len(kinds) == 1 and kinds <= {Action.CREATE, Action.REMOVE} else Action.UPDATE
    texts = [_show_route(route) for route in proxy.routes] or ["same routes"]
    yield Line(heading(symbol_of(action), "proxy", texts[0], style_of(action)), hang=TEXT_COLUMN + 2)
    for text in texts[1:]:
        yield line(" " * TEXT_COLUMN, text, hang=TEXT_COLUMN + 2)
    yield from _show_proxy_hosts([host for host in busy if _is_told(host, proxy)])


def _is_told(host: ProxyHostChange, proxy: ProxyChange) -> bool:
    return host.action is not Action.UPDATE or not proxy.routes


def _show_route(route: RouteChange) -> str:
    if not route.app:
        return f"{route.route} is removed"
    if not route.replicas:
        return f"{route.route} → {route.app}: no replica, answers 503"
    replicas = (replica if "/" in replica else f"{route.app}/{replica}" for replica in route.replicas)
    return f"{route.route} → {', '.join(replicas)}"


def _show_proxy_hosts(hosts: Sequence[ProxyHostChange]) -> Iterator[Line]:
    symbols = max((len(symbol_of(host.action, stops_first=True)) for host in hosts), default=0)
    width = max((columns(host.host) for host in hosts), default=0)
    for host in hosts:
        head = f"      {symbol_of(host.action, stops_first=True):{symbols}} nginx"
        ports = show_bindings(host.old.bindings if host.old else (), host.new.bindings if host.new else ())
        cause = f"   {host.cause}" if host.cause else ""
        rest = pad(host.host or "here", width) + (f"   {ports}" if ports else "") + cause
        gap = " " * max(VALUE_COLUMN - len(head), 2)
        yield line(span(head, style_of(host.action)), gap, rest.rstrip(), hang=VALUE_COLUMN)
