"""Routes: public host names and path prefixes. Only what nginx reads in exactly one way gets through."""

import re

from declare.load.document import Node
from declare.load.forms import Context, each
from declare.load.problems import Mistake
from declare.model.app import Route, TlsFiles
from declare.model.canonical import Json

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")


def routes(node: Node, context: Context) -> list[Json]:
    """The canonical routes, in the order of host and path."""
    found: dict[str, Json] = {}
    for item in node.items:
        for route in each(Node([item], node.source), _read_item, context):
            if str(route) in found:
                context.problems.add(f"{route} stands here twice", item.source)
            found[str(route)] = write_route(route)
    return [found[key] for key in sorted(found)]


def parse_route(entry: Json) -> Route:
    """A route from its canonical form."""
    if isinstance(entry, str):
        host, slash, path = entry.partition("/")
        return Route(host, slash + path or "/")
    tls = TlsFiles(entry["tls"]["cert"], entry["tls"]["key"]) if "tls" in entry else None
    strip_prefix, redirect = entry.get("strip_prefix", False), entry.get("redirect", True)
    return Route(entry["host"], entry.get("path", "/"), strip_prefix, tls, redirect)


def write_route(route: Route) -> Json:
    """A text where that says everything."""
    options: dict[str, Json] = {}
    if route.strip_prefix:
        options["strip_prefix"] = True
    if route.tls:
        options["tls"] = {"cert": route.tls.cert, "key": route.tls.key}
    if not route.redirect:
        options["redirect"] = False
    if not options:
        return str(route)
    path = {"path": route.path} if route.path != "/" else {}
    return {"host": route.host} | path | options


def _read_item(item: Node) -> Route:
    if not isinstance(item.value, dict):
        host, slash, path = item.text.partition("/")
        return Route(read_host(host), read_path(slash + path or "/"))
    given = {key: entry.value for key, entry in item.mapping.items()}
    tls, path_node = item.get("tls"), item.get("path")
    host_source = item.mapping["host"].source
    try:
        host = read_host(str(given["host"]))
    except Mistake as mistake:
        raise Mistake(mistake.summary, host_source, help=mistake.help) from None
    try:
        path = read_path(path_node.text if path_node else "/")
    except Mistake as mistake:
        raise Mistake(mistake.summary, path_node.source if path_node else None, help=mistake.help) from None
    files = TlsFiles(tls.mapping["cert"].text, tls.mapping["key"].text) if tls else None
    return Route(host, path, bool(given.get("strip_prefix", False)), files, given.get("redirect", True) is not False)


def read_host(text: str) -> str:
    """A host name in lower case, without the dot at its end. Raises Mistake."""
    host = text.lower().removesuffix(".")
    if len(host) <= 253 and _HOST.fullmatch(host):
        return host
    if ":" in host:
        hint = "without a scheme or a port: the inventory's proxy.listen has the ports"
    elif not host.isascii():
        hint = "write an international name in its xn-- form"
    else:
        hint = "letters, digits and hyphens between dots; *. may stand in front"
    raise Mistake(f'"{_cut(text)}" is not a host name', help=hint)


def read_path(text: str) -> str:
    """A path of whole segments without a slash at its end; "/" for all. Raises Mistake."""
    path = text.rstrip("/") or "/"
    segments = path.split("/")[1:]
    if len(path) > 255 or not _PATH.fullmatch(path) or "." in segments or ".." in segments or "//" in path:
        hint = "segments of letters, digits and ._~- between slashes"
        raise Mistake(f'"{_cut(text)}" is not a path that a route can have', help=hint)
    return path


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
