"""Fixed host ports: Compose's short and long syntax, brought to one text a port."""

import re
from ipaddress import ip_address

from declare.load.document import Node
from declare.load.forms import Context
from declare.load.problems import Mistake
from declare.model.app import PublishedPort

_SHORT = re.compile(r"(?:(\[[0-9A-Fa-f:.]+\]|[0-9.]+):)?(\d+(?:-\d+)?):(\d+(?:-\d+)?)(?:/(tcp|udp|sctp))?")
_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_LIMIT = 512


def publish(node: Node, context: Context) -> list[str]:
    """The canonical texts, sorted, each once, ranges spread out."""
    ports: set[PublishedPort] = set()
    for item in node.items:
        try:
            if not item.broken:
                ports.update(_read_item(item))
        except Mistake as mistake:
            context.problems.collect(mistake, item.source)
    if len(ports) > _LIMIT:
        raise Mistake(f"{len(ports)} published ports; an app can have {_LIMIT}", node.source)
    return [write_port(port) for port in sorted(ports, key=_order)]


def parse_port(text: str) -> PublishedPort:
    """A port from its canonical text."""
    (port,) = _read_short(text)
    return port


def write_port(port: PublishedPort) -> str:
    address = f"[{port.host_ip}]" if port.host_ip and ":" in port.host_ip else port.host_ip
    protocol = "" if port.protocol == "tcp" else f"/{port.protocol}"
    return f"{address}:" * bool(address) + f"{port.host_port}:{port.container_port}{protocol}"


def _order(port: PublishedPort) -> tuple[object, ...]:
    return port.host_port, port.protocol, port.container_port, port.host_ip or ""


def _read_item(item: Node) -> list[PublishedPort]:
    if not isinstance(item.value, dict):
        return _read_short(item.text)
    given = {key: entry.text for key, entry in item.mapping.items()}
    if "published" not in given:
        raise Mistake("published is missing", item.source, help="for a port that declare allocates, use port or ports")
    return _spread(given.get("host_ip"), given["published"], given["target"], given.get("protocol", "tcp"))


def _read_short(text: str) -> list[PublishedPort]:
    match = _SHORT.fullmatch(text)
    if match is None:
        if _RANGE.fullmatch(text.split("/", maxsplit=1)[0]):
            hint = f'"{text}:{text}" fixes the host port; for one that declare allocates, use port or ports'
        else:
            hint = 'write "HOST:CONTAINER", "IP:HOST:CONTAINER" or "HOST:CONTAINER/udp"'
        raise Mistake(f'"{text}" publishes no host port', help=hint)
    address, host, container, protocol = match.groups()
    return _spread(address.strip("[]") if address else None, host, container, protocol or "tcp")


def _spread(address: str | None, host: str, container: str, protocol: str) -> list[PublishedPort]:
    host_ports, container_ports = _read_range(host), _read_range(container)
    if len(host_ports) != len(container_ports):
        raise Mistake(f"the ranges {host} and {container} have different lengths")
    if protocol not in ("tcp", "udp", "sctp"):
        raise Mistake(f'"{protocol}" is not a protocol: tcp, udp or sctp')
    host_ip = _read_ip(address) if address else None
    return [
        PublishedPort(published, target, protocol, host_ip)  # type: ignore[arg-type]
        for published, target in zip(host_ports, container_ports, strict=True)
    ]


def _read_range(text: str) -> range:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise Mistake(f'"{text}" is not a port or a range of ports')
    first, last = int(match.group(1)), int(match.group(2) or match.group(1))
    if not 1 <= first <= last <= 65535:
        raise Mistake(f'"{text}" is not a port from 1 to 65535, or a rising range of them')
    return range(first, last + 1)


def _read_ip(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise Mistake(f'"{text}" is not an IP address') from None
