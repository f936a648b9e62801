"""Shows what a field held and holds: short, on one line, exact where it differs, and never a secret."""

import json
import re
from collections.abc import Mapping

from declare.model.canonical import Json
from declare.model.fields import Forces
from declare.model.observed import PortBinding
from declare.model.plan import FieldChange
from declare.show.lines import escape

NOT_SET = "(not set)"
SECRET = "(secret changed)"
_LIMIT = 72
_CONTEXT = 12
_HASH = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")


def show_value(value: Json) -> str:
    """A value on one line, as a manifest would have it, at its full length."""
    if value is None:
        return NOT_SET
    if isinstance(value, str):
        plain = value and value == value.strip() == escape(value) and value != NOT_SET
        return value if plain else _quote(value)
    if isinstance(value, Mapping | list | tuple):
        return escape(json.dumps(value, ensure_ascii=False, sort_keys=True))
    return json.dumps(value)


def _quote(text: str) -> str:
    return escape(json.dumps(text, ensure_ascii=False))


def show_change(change: FieldChange) -> str:
    """ "old → new", shortened around what differs; only "new" where there is no old one."""
    if change.secret:
        return SECRET
    old, new = show_value(change.old), show_value(change.new)
    if old == new:  # text that reads like the number it became
        old, new = (_quote(each) if isinstance(each, str) else show_value(each) for each in (change.old, change.new))
    old, new = _shorten_pair(old, new)
    return f"{old} → {new}"


def show_new(change: FieldChange) -> str:
    """The new value alone, for what did not exist before."""
    return "(secret)" if change.secret else _clip(_HASH.sub(r"\1…", show_value(change.new)))


def show_forces(forces: Forces) -> str:
    """What a change forces, where the lines below it do not show it anyway."""
    return "" if forces in (Forces.REPLACE, Forces.SCALE) else forces.value


def _shorten_pair(old: str, new: str) -> tuple[str, str]:
    short = _HASH.sub(r"\1…", old), _HASH.sub(r"\1…", new)
    if short[0] != short[1]:
        old, new = short
    if max(len(old), len(new)) <= _LIMIT:
        return old, new
    same = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), 0)
    skipped = max(same - _CONTEXT, 0)
    head = "…" if skipped else ""
    return _clip(head + old[skipped:]), _clip(head + new[skipped:])


def _clip(text: str) -> str:
    if len(text) <= _LIMIT:
        return text
    return f"{text[: _LIMIT - 24]}… ({len(text)} characters)"


def show_binding(binding: PortBinding, *, named: bool) -> str:
    """A host port: ":20411", "admin :20412", "0.0.0.0:53/udp"."""
    everywhere = binding.host_ip if binding.host_ip in ("0.0.0.0", "::") else ""
    address = f"[{everywhere}]" if ":" in everywhere else everywhere
    protocol = "" if binding.protocol == "tcp" else f"/{binding.protocol}"
    name = f"{binding.name} " if named and binding.name else ""
    return f"{name}{address}:{binding.host_port}{protocol}"


def show_bindings(old: tuple[PortBinding, ...], new: tuple[PortBinding, ...]) -> str:
    """Host ports before and after, in one text; the same on both sides is shown once."""
    named = max(len(old), len(new)) > 1
    before = ", ".join(show_binding(binding, named=named) for binding in sorted(old, key=_order))
    after = ", ".join(show_binding(binding, named=named) for binding in sorted(new, key=_order))
    if before == after or not before or not after:
        return after or before
    return f"{before} → {after}"


def _order(binding: PortBinding) -> tuple[bool, str, int]:
    return (not binding.name, binding.name, binding.host_port)


def show_seconds(seconds: float) -> str:
    """A rough duration for people: "0.4 s", "4 s", "2 min"."""
    if seconds >= 120:
        return f"{round(seconds / 60)} min"
    return f"{seconds:.1f} s" if 0 < seconds < 1 else f"{round(seconds)} s"
