"""Health checks: declare's own (path, tcp) and Docker's (command, or Compose's test)."""

from collections.abc import Callable

from declare.load.document import Node
from declare.load.forms import Context, Form, duration, fields, integer, leave_out, text
from declare.load.problems import Mistake
from declare.model.app import CommandCheck, Healthcheck, HttpCheck, TcpCheck
from declare.model.canonical import Json
from declare.model.quantity import format_duration, parse_duration

_KINDS = ("path", "tcp", "command", "test", "disable")
_TIMES: dict[str, Form] = {
    "port": text,
    "interval": duration,
    "timeout": duration,
    "retries": integer,
    "start_period": duration,
}
_DEFAULT = Healthcheck(TcpCheck())
_DEFAULTS: dict[str, Json] = {
    "interval": format_duration(_DEFAULT.interval),
    "timeout": format_duration(_DEFAULT.timeout),
    "retries": _DEFAULT.retries,
    "start_period": format_duration(_DEFAULT.start_period),
}


def healthcheck(node: Node, context: Context) -> dict[str, Json]:
    """One of path, tcp, command (a list, or a text for the shell) and disable; with the times that differ."""
    kinds = [kind for kind in _KINDS if (entry := node.get(kind)) is not None and entry.value is not False]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none"
        raise Mistake(f"a healthcheck has one of path, tcp, command and disable; here is {found}", node.source)
    entry = node.mapping[kinds[0]]
    check = {"path": _path, "tcp": _switch("tcp"), "disable": _switch("disable"), "command": _command, "test": _test}
    times = leave_out(fields(node, _TIMES, context), _DEFAULTS)
    for name in ("interval", "timeout"):
        if times.get(name) == "0s":
            raise Mistake(f"{name} can't be 0", node.mapping[name].source)
    return check[kinds[0]](entry) | times


def parse_healthcheck(spec: dict[str, Json]) -> Healthcheck:
    """A health check from its canonical form."""
    times = _DEFAULTS | spec
    return Healthcheck(
        _parse_check(spec),
        spec.get("port"),
        parse_duration(times["interval"]),
        parse_duration(times["timeout"]),
        times["retries"],
        parse_duration(times["start_period"]),
    )


def _parse_check(spec: dict[str, Json]) -> HttpCheck | TcpCheck | CommandCheck:
    if "path" in spec:
        return HttpCheck(spec["path"])
    if "tcp" in spec:
        return TcpCheck()
    if "disable" in spec:
        return CommandCheck(("NONE",))
    command = spec["command"]
    return CommandCheck(("CMD-SHELL", command) if isinstance(command, str) else ("CMD", *command))


def _path(entry: Node) -> dict[str, Json]:
    path = entry.text
    if not path.startswith("/") or not path.isascii() or any(character <= " " for character in path):
        raise Mistake(f'"{path}" is not a path such as "/up"', entry.source)
    return {"path": path}


def _switch(name: str) -> Callable[[Node], dict[str, Json]]:
    return lambda _: {name: True}


def _command(entry: Node) -> dict[str, Json]:
    words: Json = [item.text for item in entry.items] if isinstance(entry.value, list) else entry.text
    if not words:
        raise Mistake("the command is empty", entry.source)
    return {"command": words}


def _test(entry: Node) -> dict[str, Json]:
    if not isinstance(entry.value, list):
        return _command(entry)
    kind, *words = [item.text for item in entry.items] or [""]
    if kind == "NONE" and not words:
        return {"disable": True}
    if kind == "CMD" and words:
        return {"command": words}
    if kind == "CMD-SHELL" and len(words) == 1:
        return {"command": words[0]}
    hint = 'as in ["CMD", "redis-cli", "ping"] or ["CMD-SHELL", "redis-cli ping"]; or write command: without that word'
    raise Mistake("test is a list that begins with CMD, CMD-SHELL or NONE", entry.source, help=hint)
