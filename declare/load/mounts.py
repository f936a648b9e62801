"""The `volumes` of an app: Compose's short and long syntax, brought to a text where that says everything."""

import re
from collections.abc import Mapping

from declare.load.document import Node, wrap
from declare.load.forms import Context, Form, each, fields, flag, octal, size, text
from declare.load.problems import Mistake
from declare.model.app import Mount
from declare.model.canonical import Json

VOLUME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")

_PROPAGATION = {"shared", "rshared", "slave", "rslave", "private", "rprivate"}
_MEANINGLESS = {"rw", "cached", "delegated", "consistent", "default"}
_DEFAULTS: dict[str, dict[str, Json]] = {
    "bind": {"create_host_path": True, "propagation": "rprivate"},
    "volume": {"nocopy": False},
    "tmpfs": {},
}
_FORMS: dict[str, dict[str, Form]] = {
    "bind": {"create_host_path": flag, "propagation": text, "selinux": text},
    "volume": {"nocopy": flag, "subpath": text},
    "tmpfs": {"size": size, "mode": octal},
}


def volumes(node: Node, context: Context) -> list[Json]:
    """The canonical mounts, in the order of their targets. Two at one target are a mistake."""
    found: dict[str, Json] = {}
    for item in node.items:
        for entry in each(Node([item], node.source), lambda one: _read_item(one, context), context):
            target = parse_mount(entry).target
            if target in found:
                context.problems.add(f"two volumes are mounted at {target}", item.source)
            found[target] = entry
    return [found[target] for target in sorted(found)]


def parse_mount(entry: Json) -> Mount:
    """A mount from its canonical form."""
    if isinstance(entry, str):
        *source, target = entry.removesuffix(":ro").split(":")
        kind = "bind" if source and source[0].startswith("/") else "volume"
        return Mount(kind, source[0] if source else None, target, entry.endswith(":ro"))  # type: ignore[arg-type]
    return Mount(entry["type"], entry.get("source"), entry["target"], entry.get("read_only", False))


def _read_item(item: Node, context: Context) -> Json:
    long = item if isinstance(item.value, dict) else wrap(_expand(item.text), item.source)
    return _shorten(_read_long(long, context))


def _expand(short: str) -> dict[str, Json]:
    """The long form of a short text. Raises Mistake."""
    parts = short.split(":")
    if len(parts) > 3 or not all(parts):
        raise Mistake(f'"{short}" is no volume', help='write "NAME:/path", "NAME:/path:ro" or "/path"')
    long: dict[str, Json] = {"type": "volume", "target": parts[0]}
    if len(parts) > 1:
        long |= {"source": parts[0], "target": parts[1]}
        if parts[0].startswith(("/", ".", "~")):
            long["type"] = "bind"
    for option in parts[2].split(",") if len(parts) == 3 else ():
        _apply_option(long, option)
    return long


def _apply_option(long: dict[str, Json], option: str) -> None:
    if option == "ro":
        long["read_only"] = True
    elif option == "nocopy":
        long["volume"] = {"nocopy": True}
    elif option in ("z", "Z"):
        long.setdefault("bind", {})["selinux"] = option
    elif option in _PROPAGATION:
        long.setdefault("bind", {})["propagation"] = option
    elif option not in _MEANINGLESS:
        raise Mistake(f'"{option}" is no option of a volume', help="ro, rw, z, Z, nocopy or a propagation")


def _read_long(node: Node, context: Context) -> dict[str, Json]:
    given = {key: entry.value for key, entry in node.mapping.items()}
    kind, target, source = given["type"], str(given["target"]), given.get("source")
    _check_path(target, "the path in the container")
    found: dict[str, Json] = {"type": kind, "target": target.rstrip("/") or "/"}
    if kind == "tmpfs":
        if source is not None:
            raise Mistake("a tmpfs has no source")
    elif source is not None:
        found["source"] = _check_source(kind, str(source))
    elif kind == "bind":
        raise Mistake("a bind mount needs its source")
    if given.get("read_only"):
        found["read_only"] = True
    for section in _FORMS:
        found |= _read_section(node, section, kind, context)
    if "bind" in found and "source" not in found:
        raise Mistake("an anonymous volume can't be relabelled")
    return found


def _read_section(node: Node, section: str, kind: Json, context: Context) -> Mapping[str, Json]:
    entry = node.get(section)
    if entry is None:
        return {}
    options = fields(entry, _FORMS[section], context)
    options = {key: value for key, value in options.items() if _DEFAULTS[section].get(key) != value}
    if options and section != kind and not (kind == "volume" and set(options) == {"selinux"}):
        raise Mistake(f"{section} options belong to a mount of type {section}, not {kind}", entry.source)
    return {section: options} if options else {}


def _check_source(kind: Json, source: str) -> str:
    if kind == "bind":
        if source.startswith((".", "~")):
            hint = "files beside the manifest don't travel to the hosts: put them into the image, or give a host's path"
            raise Mistake(f'"{source}" is not an absolute path of the host', help=hint)
        _check_path(source, "the host's path")
        return source.rstrip("/") or "/"
    if not VOLUME_NAME.fullmatch(source):
        raise Mistake(f'"{source}" is no name of a volume', help="letters, digits, dot, hyphen and underscore")
    return source


def _check_path(path: str, what: str) -> None:
    """One spelling a path, so that `/var/run/./docker.sock` can't pass for something else."""
    segments = (path.rstrip("/") or "/").split("/")[1:]
    if not path.startswith("/") or any(character in path for character in "\n:,"):
        raise Mistake(f'"{path}" can\'t be {what}: it must be absolute, without a colon or comma')
    if path.strip("/") and not {"", ".", ".."}.isdisjoint(segments):
        raise Mistake(f'"{path}" can\'t be {what}: it has an empty segment, "." or ".."')


def _shorten(mount: dict[str, Json]) -> Json:
    if mount["type"] == "tmpfs" or not set(mount) <= {"type", "source", "target", "read_only"}:
        return mount
    text = f"{mount['source']}:{mount['target']}" if "source" in mount else str(mount["target"])
    return text + ":ro" * ("read_only" in mount)
