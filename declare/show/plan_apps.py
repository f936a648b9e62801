"""The lines of one app in a plan: what it is, which fields differ, what happens to each replica."""

from collections.abc import Collection, Iterator, Sequence

from declare.model.fields import FIELDS, Forces
from declare.model.plan import Action, AppChange, FieldChange, Repair, ReplicaChange
from declare.show.lines import Line, Span, Style, columns, counted, escape, line, pad, span
from declare.show.summary import is_busy, is_repaired, only_recorded
from declare.show.values import show_bindings, show_change, show_forces, show_new, show_seconds

TEXT_COLUMN = 14
VALUE_COLUMN = 19
_SOURCE_MARGIN = 88
_REPAIRS = {"start": "started again", "unpause": "unpaused", "rename": "renamed back to", "set": "set back:"}
_RANK = {name: rank for rank, name in enumerate(FIELDS)}
_SYMBOLS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "+/-",
    Action.MOVE: ">",
    Action.REMOVE: "-",
    Action.KEEP: "=",
}
_STYLES = {
    Action.CREATE: Style.CREATE,
    Action.REMOVE: Style.REMOVE,
    Action.KEEP: Style.QUIET,
}


def show_app(app: AppChange, drifted: Collection[str]) -> Iterator[Line]:
    """The lines of an app that is not kept; none if all that happens is told as drift."""
    if _only_drifted(app, drifted):
        return
    yield _show_heading(app)
    yield from _show_fields(app)
    if app.allowed:
        yield _row("allow", f"uses {', '.join(app.allowed)} (allowed by the inventory)")
    for warning in app.warnings:
        yield _row("warning", warning, Style.WARNING)
    yield from _show_replicas(app)
    for failed in app.failed:
        yield _row("failed", f"{failed.name} on {failed.host} was kept for its logs; removed when {app.name} succeeds")


def heading(symbol: str, name: str, text: str, style: Style) -> tuple[Span, ...]:
    """The spans of a line that opens a group: symbol and name, then a text in one column for all groups."""
    head = f"  {symbol} {escape(name)}"
    return span(head, style), span(" " * max(TEXT_COLUMN - columns(head), 2) + text)


def symbol_of(action: Action, *, stops_first: bool = False) -> str:
    """The sign of an action; a replacement shows which of both containers is there first."""
    return "-/+" if action is Action.REPLACE and stops_first else _SYMBOLS[action]


def style_of(action: Action) -> Style:
    """The style of an action."""
    return _STYLES.get(action, Style.UPDATE)


def _only_drifted(app: AppChange, drifted: Collection[str]) -> bool:
    if app.fields or app.warnings or app.failed:
        return False
    busy = [change for change in app.replicas if is_busy(change)]
    return bool(busy) and all(is_repaired(c) and not c.leftovers and str(c) in drifted for c in busy)


def _show_heading(app: AppChange) -> Line:
    replaced = any(change.action is Action.REPLACE for change in app.replicas)
    stops_first = replaced and app.order == "stop-first"
    action = Action.REPLACE if stops_first else _overall(app)
    spans = heading(symbol_of(action, stops_first=stops_first), app.name, _describe(app), style_of(action))
    used = sum(columns(part.text) for part in spans)
    if app.source:
        place = escape(str(app.source))
        if used + 2 + columns(place) <= _SOURCE_MARGIN:
            gap = " " * (_SOURCE_MARGIN - used - columns(place))
            spans += (span(gap + place, Style.QUIET),)
    return Line(spans, hang=TEXT_COLUMN)


def _overall(app: AppChange) -> Action:
    return app.action if app.action in (Action.CREATE, Action.REMOVE) else Action.UPDATE


def _describe(app: AppChange) -> str:
    if app.action is Action.REMOVE:
        causes = {change.cause for change in app.replicas}
        return (causes.pop() if len(causes) == 1 else "") or "removed"
    count = counted(sum(change.action is not Action.REMOVE for change in app.replicas), "replica")
    replaced = sum(change.action is Action.REPLACE for change in app.replicas)
    if app.action is Action.CREATE:
        return f"{count}, new"
    if not replaced:
        return f"{count}, none replaced" if not only_recorded(app) else f"{count}, no container changes"
    pace = f", {app.parallelism} at a time" if replaced > 1 else ""
    if app.order == "start-first":
        return f"{count}, start-first{pace}"
    several = replaced > 1 or len(app.replicas) > 1
    cause = f": {app.order_cause}" if app.order_cause else ""
    gap = f"; down for about {show_seconds(app.gap)}" if app.gap > 0 else ""
    return (f"{count}, stop-first{pace}" if several else "stops first") + cause + gap


def _show_fields(app: AppChange) -> Iterator[Line]:
    fields = sorted(app.fields, key=lambda change: (_RANK.get(_split(change)[0], len(_RANK)), change.path))
    if app.action is Action.CREATE and not any(_split(change)[0] == "image" for change in fields):
        yield _row("image", app.image)
    shown = ""
    for change in fields:
        name, key = _split(change)
        width = _key_width(fields, name)
        value = show_new(change) if app.action is Action.CREATE else show_change(change)
        forces = "" if app.action is Action.CREATE else show_forces(change.forces)
        text = (f"{pad(key, width)}  " if width else "") + value + (f"   ({forces})" if forces else "")
        yield _row("" if name == shown else name, text)
        shown = name


def _split(change: FieldChange) -> tuple[str, str]:
    name, _, key = change.path.partition(".")
    return name, key


def _key_width(fields: Sequence[FieldChange], name: str) -> int:
    keys = (_split(change) for change in fields)
    return min(max((columns(escape(key)) for other, key in keys if other == name), default=0), 32)


def _row(name: str, text: str, style: Style = Style.PLAIN) -> Line:
    head = "      " + pad(name, VALUE_COLUMN - 8)
    return line(span(head + "  ", style), text, hang=VALUE_COLUMN)


def _show_replicas(app: AppChange) -> Iterator[Line]:
    shown = [change for change in app.replicas if is_busy(change)]
    stops_first = app.order == "stop-first"
    rows = [(change, symbol_of(change.action, stops_first=stops_first), _show_host(change)) for change in shown]
    symbols = max((len(symbol) for _, symbol, _ in rows), default=0)
    names = max((columns(escape(str(change))) for change in shown), default=0)
    width = max((columns(host) for _, _, host in rows), default=0)
    explained = _causes_explained(app)
    for change, symbol, host in rows:
        head = f"      {symbol:{symbols}} {pad(str(change), names)}"
        ports, notes = _show_ports(change), _notes(change, explained=explained)
        rest = f"{pad(host, width)}   {ports}" + (f"   ({notes})" if notes and ports else notes)
        gap = " " * max(VALUE_COLUMN - columns(head), 2)
        yield line(span(head, style_of(change.action)), gap, rest.rstrip(), hang=VALUE_COLUMN)
        for leftover in change.leftovers:
            yield _row("", f"{leftover.name} on {leftover.host} is left over, and removed when {change} serves")


def _show_host(change: ReplicaChange) -> str:
    old, new = (side.host if side else "" for side in (change.old, change.new))
    return escape(f"{old} → {new}" if old and new and old != new else new or old)


def _show_ports(change: ReplicaChange) -> str:
    if change.action is Action.REMOVE:
        return ""
    old = change.old.bindings if change.old else ()
    new = change.new.bindings if change.new else ()
    return show_bindings(old, new) if change.action is not Action.UPDATE else ""


def _causes_explained(app: AppChange) -> bool:
    """Whether the fields above say it all: then a cause on each line would only repeat them."""
    if app.action in (Action.CREATE, Action.REMOVE):
        return True
    causes = {change.cause for change in app.replicas if change.action is Action.REPLACE}
    return len(causes) <= 1 and any(change.forces is Forces.REPLACE for change in app.fields)


def _notes(change: ReplicaChange, *, explained: bool) -> str:
    repeated = explained and change.action in (Action.REPLACE, Action.CREATE, Action.REMOVE)
    repairs = ", ".join(_show_repair(repair) for repair in change.repairs)
    return ": ".join(note for note in ("" if repeated else change.cause, repairs) if note)


def _show_repair(repair: Repair) -> str:
    return f"{_REPAIRS.get(repair.verb, repair.verb)} {repair.detail}".rstrip()
