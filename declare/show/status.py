"""What runs, and the hosts it runs on, as tables."""

from collections.abc import Iterator, Sequence

from declare.model.plan import HostSummary
from declare.model.quantity import format_size
from declare.model.status import AppStatus, HostStatus, ProxyStatus, ReplicaStatus, Status
from declare.show.lines import Line, Span, Style, counted, line, listed, span
from declare.show.table import Row, show_table

_SKEW = 2.0


def show_status(status: Status) -> list[Line]:
    """Each app with its replicas, then the proxy; hosts that could not be read come first."""
    lines = [row for host in status.hosts if not host.reachable or host.lost for row in _show_absent(host)]
    if not status.apps:
        return [*lines, line("no apps are declared, and none are found")]
    replicas = [replica for app in status.apps for replica in app.replicas]
    head = ("REPLICA", "HOST", "ADDRESS", "STATE", "HEALTH", "AGE", "RESTARTS", "REVISION", "IMAGE", "NOTE")
    lines += show_table(head, [_replica_row(replica) for replica in replicas])
    lines += [line(), *show_table(("APP", "SERVING", "URLS"), [_app_row(app) for app in status.apps])]
    if status.proxies:
        rows = [_proxy_row(proxy) for proxy in status.proxies]
        lines += [line(), *show_table(("PROXY", "STATE", "CONFIGURATION", "NOTE"), rows)]
    return [*lines, line(), _show_total(status)]


def show_hosts(hosts: Sequence[HostStatus]) -> list[Line]:
    """One row a host; the reasons of those that could not be read below."""
    head = ("HOST", "ADDRESS", "STATE", "ENGINE", "CPUS", "MEMORY", "CONTAINERS", "CLOCK", "REACHED BY")
    lines = show_table(head, [_host_row(host) for host in hosts])
    absent = [host for host in hosts if not host.reachable]
    if absent:
        lines.append(line())
    for host in absent:
        lines.append(line(span(f"! {host.name}: ", Style.ERROR), host.reason or "did not answer", hang=2))
    return lines


def show_age(seconds: float | None) -> str:
    """The age in its largest unit: "12s", "5m", "3h", "8d"."""
    if seconds is None:
        return ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(int(seconds), 0)}s"


def _show_absent(host: HostSummary) -> Iterator[Line]:
    reason = f": {host.reason}" if host.reason else ""
    what = "LOST" if host.lost else "UNREACHABLE"
    yield line(span(f"! {host.name} {what}", Style.ERROR), f"{reason}; what runs there is unknown", hang=2)
    yield line()


def _replica_row(replica: ReplicaStatus) -> Row:
    health = span(replica.health, _HEALTH.get(replica.health, Style.PLAIN))
    image = replica.digest.rpartition("@")[2] or replica.image_id
    note = "not declared" if replica.surplus and not replica.note else replica.note
    return (
        str(replica),
        replica.host,
        ", ".join(replica.addresses),
        _state(replica.state),
        health,
        show_age(replica.age),
        str(replica.restarts) if replica.restarts else "",
        str(replica.revision) if replica.revision else "",
        _short_id(image),
        span(note, Style.WARNING),
    )


_HEALTH = {"healthy": Style.GOOD, "unhealthy": Style.ERROR, "starting": Style.WARNING, "unknown": Style.WARNING}


def _state(state: str) -> Span:
    return span(state, Style.GOOD if state == "running" else Style.WARNING if state == "unknown" else Style.ERROR)


def _proxy_row(proxy: ProxyStatus) -> Row:
    return (proxy.host or "here", _state(proxy.state), _current(proxy.current), proxy.note)


def _current(current: bool | None) -> str:
    return "unknown" if current is None else "current" if current else "outdated"


def _short_id(image: str) -> str:
    return image.removeprefix("sha256:")[:12]


def _app_row(app: AppStatus) -> Row:
    style = Style.GOOD if app.serving >= app.desired else Style.ERROR
    return (app.name, span(f"{app.serving} of {app.desired}", style), listed(app.urls))


def _show_total(status: Status) -> Line:
    declared = [app for app in status.apps if app.desired]
    whole = sum(app.serving >= app.desired for app in declared)
    unknown = [host.name for host in status.hosts if not host.reachable and not host.lost]
    rest = f" Incomplete: {listed(unknown)} did not answer." if unknown else ""
    return line(f"{whole} of {counted(len(declared), 'app')} at full strength.{rest}")


def _host_row(host: HostStatus) -> Row:
    if not host.reachable:
        state = span("lost" if host.lost else "unreachable", Style.ERROR)
        return (host.name, host.address, state, "", "", "", "", "", host.engine)
    skew = abs(host.clock_offset) >= _SKEW
    clock = span(f"{host.clock_offset:+.0f} s", Style.WARNING) if skew else span("ok")
    state = span("lost" if host.lost else host.state, Style.PLAIN if host.state == "active" else Style.WARNING)
    cpus = "" if host.cpus is None else f"{host.cpus_used:g} of {host.cpus:g}"
    memory = "" if host.memory is None else f"{_size(host.memory_used)} of {_size(host.memory)}"
    containers = f"{host.ours} ours, {host.foreign} foreign"
    return (host.name, host.address, state, host.version, cpus, memory, containers, clock, host.engine)


def _size(size: int) -> str:
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20)):
        if size >= factor:
            return f"{size / factor:.1f}".removesuffix(".0") + unit
    return format_size(size) if size else "0"
