"""Finds and reads the inventory: the hosts of one environment, and what manifests may take from it."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

from declare.load.document import Node, find, read_document
from declare.load.dotenv import parse_dotenv
from declare.load.forms import Context, bytes_of, duration, fields, image, integer, number, pairs, texts
from declare.load.interpolation import Interpolator, Lookup, look_up
from declare.load.problems import Mistake, Problems
from declare.load.schema import check_shape, coerce, strict_schema
from declare.load.text import read_text
from declare.model.app import Resources, TlsFiles
from declare.model.errors import InputError
from declare.model.inventory import (
    Allowance,
    ContainerProxy,
    EngineAddress,
    FailurePolicy,
    FileProxy,
    Host,
    Inventory,
    PortRange,
    ProxySettings,
)
from declare.model.problem import Problem, Source
from declare.model.quantity import parse_duration

FILE_NAME = "inventory.yaml"

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_HOST = rf"(?:{_NAME}|\[[0-9A-Fa-f:.]+\])"
_PATH = r"/[A-Za-z0-9._/@+-]+"
_UNIX = re.compile(rf"unix://({_PATH})")
_TCP = re.compile(rf"tcp://({_HOST})(?::(\d{{1,5}}))?/?")
_SSH = re.compile(rf"ssh://((?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?{_HOST}(?::\d{{1,5}})?)({_PATH})?/?")
_EPHEMERAL = 32768


@dataclass(frozen=True, slots=True)
class Draft:
    """What of an inventory could be read, with the variables that manifests see."""

    inventory: Inventory
    lookup: Lookup


def find_inventory(start: Path) -> Path:
    """`inventory.yaml` in a folder or the nearest one above it, up to the git root. Raises InputError."""
    for folder in (start, *_folders_above(start)):
        if (folder / FILE_NAME).exists():
            return folder / FILE_NAME
        if (folder / ".git").exists():
            break
    summary = f"there is no {FILE_NAME} in this folder or above it"
    raise InputError([Problem(summary, help='name one with -i, or start a project with "declare init"')])


def load_inventory(path: Path, *, environment: Mapping[str, str]) -> Inventory:
    """The inventory of a file. Raises InputError with all its problems."""
    problems = Problems()
    draft = read_inventory(path, environment=environment, problems=problems)
    problems.raise_errors()
    return draft.inventory


def read_inventory(path: Path, *, environment: Mapping[str, str], problems: Problems) -> Draft:
    """As much of the inventory as can be read; `problems` has the rest."""
    written = _read_tree(path, problems)
    variables = _read_variables(written)
    if problems.any_errors and not written.keys:
        return Draft(Inventory("", (), path=str(path), root=str(path.parent)), look_up(environment))
    lookup = look_up(environment, read_dotenv(path.parent, environment=environment, problems=problems), variables)
    node = coerce(_interpolate(written, Interpolator(lookup, problems)), strict_schema("inventory"))
    bad = set()
    for place in check_shape(node, "inventory", problems):
        host = find(node, place[:2]) if place[:1] == ("hosts",) and len(place) > 1 else None
        if host is not None:
            host.broken = True
        else:
            bad.add(place[0] if place else "")
    good = Node({key: entry for key, entry in node.mapping.items() if key not in bad}, node.source, keys=node.keys)
    inventory = _build(good, path, variables, problems)
    return Draft(inventory, lookup)


def read_dotenv(root: Path, *, environment: Mapping[str, str], problems: Problems) -> dict[str, str]:
    """The variables of the `.env` file in a folder, if there is one."""
    path = root / ".env"
    if not path.exists():
        return {}
    try:
        text = read_text(path)
    except Mistake as mistake:
        problems.collect(mistake)
        return {}
    return parse_dotenv(text, str(path), lookup=look_up(environment), problems=problems)


def _folders_above(start: Path) -> list[Path]:
    above = Path(os.path.abspath(start)).parents  # noqa: PTH100 - resolve() would follow links out of the project
    return [Path(os.path.relpath(folder, start) if not start.is_absolute() else folder) for folder in above]


def _read_tree(path: Path, problems: Problems) -> Node:
    nothing = Node({}, Source(str(path)))
    try:
        text = read_text(path)
    except Mistake as mistake:
        problems.collect(mistake)
        return nothing
    node = read_document(text, str(path), problems)
    if node is None and not problems.any_errors:
        problems.add("the inventory is empty", Source(str(path)), help="it needs at least project: and hosts:")
    return node or nothing


def _interpolate(written: Node, interpolator: Interpolator) -> Node:
    """All of the inventory but `vars`, which are what variables refer to."""
    if not isinstance(written.value, dict):
        return written
    entries = {key: entry if key == "vars" else interpolator.interpolate(entry) for key, entry in written.value.items()}
    return Node(entries, written.source, keys=written.keys, interpolated=True)


def _read_variables(node: Node) -> dict[str, str]:
    """The `vars`, as written: they are what others refer to, and refer to nothing."""
    given = node.get("vars")
    entries = given.mapping if given else {}
    return {key: entry.text for key, entry in entries.items() if not isinstance(entry.value, dict | list)}


def _build(node: Node, path: Path, variables: Mapping[str, str], problems: Problems) -> Inventory:
    context, entries = Context(problems), node.mapping
    hosts = _read_hosts(entries["hosts"], path.parent, context) if "hosts" in entries else ()
    _warn_of_plain_tcp(hosts, problems)
    inventory = Inventory(
        project=entries["project"].text if "project" in entries else "",
        hosts=hosts,
        variables=variables,
        allow=_read_allow(entries.get("allow")),
        path=str(path),
        root=str(path.parent),
    )
    found = dict[str, object]()
    for key, read in (("ports", _read_ports), ("proxy", _read_proxy), ("failure", _read_failure)):
        if key in entries:
            try:
                found[key] = read(entries[key], inventory, context)
            except Mistake as mistake:
                problems.collect(mistake, entries[key].source)
    return replace(inventory, **found)  # type: ignore[arg-type]


def _warn_of_plain_tcp(hosts: Sequence[Host], problems: Problems) -> None:
    plain = [host for host in hosts if host.engine.insecure]
    if plain:
        names = ", ".join(host.name for host in plain)
        summary = (
            f"{names} {'is' if len(plain) == 1 else 'are'} reached over plain TCP: whoever reads along is root there"
        )
        problems.warn(summary, plain[0].source, help="use ssh://, or tls: {ca, cert, key}")


def _read_allow(node: Node | None) -> frozenset[Allowance]:
    return frozenset(item.text for item in node.items) if node else frozenset()  # type: ignore[misc]


def _read_hosts(node: Node, root: Path, context: Context) -> tuple[Host, ...]:
    hosts = []
    for name, entry in sorted(node.mapping.items()):
        if entry.broken:
            continue
        try:
            hosts.append(_read_host(name, entry, root, context, source=node.key_source(name)))
        except Mistake as mistake:
            context.problems.collect(mistake, entry.source)
    for host in hosts:
        if host.engine.scheme == "unix" and host.address is None and len(node.mapping) > 1:
            hint = f"add address: to {host.name}, the IP that the other hosts reach it by"
            context.problems.add(f"{host.name} needs an address: it has a unix:// engine beside other hosts",
                                 host.source, help=hint)  # fmt: skip
    return tuple(hosts)


def _read_host(name: str, node: Node, root: Path, context: Context, *, source: Source) -> Host:
    capacity = node.get("capacity")
    address, labels, state = node.get("address"), node.get("labels"), node.get("state")
    return Host(
        name=name,
        engine=_read_engine(name, node, root),
        address=_read_address(address) if address else None,
        labels=dict(sorted(pairs(labels, context).items())) if labels else {},
        capacity=_read_capacity(capacity, context) if capacity else None,
        state=state.text if state else "active",  # type: ignore[arg-type]
        source=source,
    )


def _read_address(node: Node) -> str:
    try:
        address = ip_address(node.text)
    except ValueError:
        hint = "host ports are bound to it, and a name can change under them"
        raise Mistake(f'"{node.text}" is not an IP address', node.source, help=hint) from None
    if address.is_unspecified or address.is_multicast:
        raise Mistake(f"{address} is not the address of one host", node.source)
    return str(address)


def _read_capacity(node: Node, context: Context) -> Resources:
    cpus, memory = node.get("cpus"), node.get("memory")
    return Resources(float(number(cpus, context)) if cpus else 0.0, bytes_of(memory) if memory else 0)


def _read_engine(name: str, node: Node, root: Path) -> EngineAddress:
    engine, named = node.get("engine"), node.get("context")
    tls, insecure = node.get("tls"), node.get("insecure")
    if (engine is None) == (named is None):
        raise Mistake(f"{name} needs one of engine and context", node.source)
    if named is not None:
        return EngineAddress("context", named.text)
    assert engine is not None
    for extra in (tls, insecure):
        if extra is not None and not engine.text.startswith("tcp://"):
            raise Mistake("tls and insecure belong to a tcp:// engine", extra.source)
    if match := _UNIX.fullmatch(engine.text):
        return EngineAddress("unix", match.group(1))
    if match := _SSH.fullmatch(engine.text):
        return EngineAddress("ssh", match.group(1), remote_socket=match.group(2) or "/var/run/docker.sock")
    if match := _TCP.fullmatch(engine.text):
        return _read_tcp(match, node, root)
    hint = "ssh://user@host, unix:///var/run/docker.sock or tcp://host:2376"
    raise Mistake(f'"{engine.text}" is not the address of an engine', engine.source, help=hint)


def _read_tcp(match: re.Match[str], node: Node, root: Path) -> EngineAddress:
    engine, tls, insecure = node.mapping["engine"], node.get("tls"), node.get("insecure")
    if insecure is not None and insecure.value is True:
        if tls is not None:
            raise Mistake("tls and insecure exclude each other", insecure.source)
        return EngineAddress("tcp", f"{match.group(1)}:{match.group(2) or 2375}", insecure=True)
    if tls is None:
        hint = "add tls: {ca, cert, key}, or use ssh://; insecure: true allows it on a network that you trust"
        raise Mistake("a tcp:// engine needs tls", engine.source, help=hint)
    given = {key: str(root / entry.text) for key, entry in tls.mapping.items()}
    client = TlsFiles(given["cert"], given["key"]) if "cert" in given else None
    return EngineAddress("tcp", f"{match.group(1)}:{match.group(2) or 2376}", ca=given.get("ca"), client=client)


def _read_ports(node: Node, _: Inventory, context: Context) -> PortRange:
    first, *rest = node.text.split("-")
    found = PortRange(int(first), int(rest[0] if rest else first))
    if not 1024 <= found.first <= found.last <= 65535:
        raise Mistake(f'"{node.text}" is not a rising range of ports from 1024 to 65535', node.source)
    if found.last >= _EPHEMERAL:
        context.problems.warn(f"ports from {_EPHEMERAL} on are also given to outgoing connections", node.source)
    return found


def _read_proxy(node: Node, inventory: Inventory, context: Context) -> ProxySettings:
    listen, hosts = node.get("listen"), node.get("hosts")
    names = {host.name for host in inventory.hosts}
    form: ContainerProxy | FileProxy
    if hosts is not None:
        for item in hosts.items:
            if item.text not in names and names:
                context.problems.add(f'there is no host "{item.text}"', item.source)
        form = ContainerProxy(tuple(sorted({item.text for item in hosts.items})), image(node.mapping["image"], context))
    else:
        config = str(Path(inventory.root, node.mapping["config"].text))
        test, reload = (tuple(texts(node.mapping[key], context)) for key in ("test", "reload"))
        form = FileProxy(config, test, reload, node.mapping["ack"].text)
    if listen is None:
        return ProxySettings(form)
    ports = fields(listen, {"http": integer, "https": integer}, context)
    if ports.get("http", 80) == ports.get("https"):
        raise Mistake("http and https can't listen on one port", listen.source)
    return ProxySettings(form, ports.get("http", 80), ports.get("https"))


def _read_failure(node: Node, _: Inventory, context: Context) -> FailurePolicy:
    found = fields(node, {"after": duration, "move": integer}, context)
    if "after" in found:
        found["after"] = parse_duration(found["after"])
    return FailurePolicy(**found)
