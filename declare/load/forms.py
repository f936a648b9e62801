"""The shapes that values come in, each brought to one canonical form. They expect what the schema lets through."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from declare.load.document import Node
from declare.load.interpolation import Lookup
from declare.load.problems import Mistake, Problems
from declare.model.canonical import Json
from declare.model.quantity import format_duration, format_size, parse_duration, parse_size


@dataclass(frozen=True, slots=True)
class Context:
    """What a meaning may depend on besides the value. `root`: where relative paths start; None reads no files."""

    problems: Problems
    lookup: Lookup = field(default=lambda _: None)
    root: Path | None = None


_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:]+\])(?::\d+)?/)?{_PART}(?:/{_PART})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
)
_OCTAL = re.compile(r"(?:0o?)?([0-7]{3,4})")

Form = Callable[[Node, Context], Json]


def text(node: Node, _: Context) -> str:
    """Text; a number or a flag as it was written."""
    if isinstance(node.value, dict | list):
        raise Mistake("this must be text", node.source)
    return node.text


def image(node: Node, context: Context) -> str:
    """An image's reference, in the engine's own grammar."""
    if not _IMAGE.fullmatch(text(node, context)):
        hint = "[REGISTRY/]NAME[:TAG][@sha256:…]; a NAME is in lower case"
        raise Mistake(f'"{node.text}" is not the reference of an image', node.source, help=hint)
    return node.text


def flag(node: Node, _: Context) -> bool:
    if not isinstance(node.value, bool):
        raise Mistake("this must be true or false", node.source)
    return node.value


def number(node: Node, _: Context) -> float | int:
    """A number, also one in quotes; whole ones as int, so that 1 and 1.0 are equal."""
    try:
        found = float(node.text)
    except ValueError:
        raise Mistake(f'"{node.text}" is not a number', node.source) from None
    return int(found) if found == int(found) else round(found, 9)


def integer(node: Node, _: Context) -> int:
    try:
        if type(node.value) is int or (isinstance(node.value, float) and node.value.is_integer()):
            return int(node.value)
        return int(node.text, 10)
    except ValueError:
        raise Mistake(f'"{node.text}" is not a whole number', node.source) from None


def octal(node: Node, _: Context) -> str:
    """A file mode, given as text or as an octal number, as four digits."""
    match = _OCTAL.fullmatch(node.text)
    if match is None:
        raise Mistake(f'"{node.text}" is not a file mode in octal such as "0440"', node.source)
    return f"{int(match.group(1), 8):04o}"


def duration(node: Node, _: Context) -> str:
    return format_duration(seconds(node))


def seconds(node: Node) -> float:
    """The seconds of a duration. Raises Mistake."""
    try:
        found = parse_duration(node.text)
    except ValueError:
        hint = f'a number needs its unit: "{node.text}s"' if node.text.isdecimal() else None
        raise Mistake(f'"{node.text}" is not a duration such as "90s" or "1m30s"', node.source, help=hint) from None
    if found > 366 * 86400:
        raise Mistake(f'"{node.text}" is longer than a year', node.source)
    return found


def microseconds(node: Node, _: Context) -> int:
    """A whole number of microseconds; a text with a unit is converted."""
    return int(node.text) if node.text.isdecimal() else round(seconds(node) * 1_000_000)


def size(node: Node, _: Context) -> str | int:
    """A size in its canonical text; -1 (no limit) stays a number."""
    found = bytes_of(node)
    return found if found < 0 else format_size(found)


def byte_count(node: Node, _: Context) -> int:
    return bytes_of(node)


def bytes_of(node: Node) -> int:
    """The bytes of a size. Raises Mistake."""
    if node.text == "-1":
        return -1
    try:
        found = parse_size(node.value if type(node.value) is int else node.text)
    except ValueError:
        raise Mistake(f'"{node.text}" is not a size such as "512m" or "512MiB"', node.source) from None
    if found >= 2**63:
        raise Mistake(f'"{node.text}" is more than an engine can count', node.source)
    return found


def command(node: Node, _: Context) -> list[str]:
    """A command as a list of words; a text is split as a shell would, without running one."""
    if isinstance(node.value, list):
        return [item.text for item in node.items]
    try:
        return shlex.split(node.text)
    except ValueError:
        raise Mistake("a quote in this command has no end", node.source) from None


def texts(node: Node, _: Context) -> list[str]:
    """A list of texts in its order; one text is a list of one."""
    return [item.text for item in node.items] if isinstance(node.value, list) else [node.text]


def text_set(node: Node, context: Context) -> list[str]:
    """A list of texts whose order means nothing, sorted and each once."""
    return sorted(set(texts(node, context)))


def capabilities(node: Node, context: Context) -> list[str]:
    return sorted({name.upper().removeprefix("CAP_") for name in texts(node, context)})


def pairs(node: Node, context: Context) -> dict[str, str]:
    """A mapping of texts, given as one or as a list of KEY=VALUE; a key alone has an empty value."""
    return {key: entry.text if entry else "" for key, entry, _ in read_pairs(node, context)}


def environment(node: Node, context: Context) -> dict[str, str]:
    """As `pairs`, but a key alone takes its value from where declare runs."""
    found: dict[str, str] = {}
    for key, entry, place in read_pairs(node, context):
        value = entry.text if entry else context.lookup(key)
        if value is None:
            hint = f'set {key} in the environment, in .env or in the inventory\'s vars; empty is {key}: ""'
            context.problems.add(f"variable {key} has no value here and is not set", place.source, help=hint)
        elif entry and entry.broken:
            continue
        elif not key or "=" in key or any(character.isspace() for character in key):
            context.problems.add(f'"{key}" can\'t be the name of a variable', place.source)
        else:
            found[key] = value
    return found


def read_pairs(node: Node, context: Context) -> Iterator[tuple[str, Node | None, Node]]:
    """Each key, its value or None, and a node whose place to name."""
    if isinstance(node.value, dict):
        for key, entry in node.mapping.items():
            place = Node(key, node.key_source(key), key)
            yield key, None if entry.value is None else entry, place
        return
    seen: set[str] = set()
    for item in node.items:
        key, separator, value = item.text.partition("=")
        if key in seen:
            context.problems.add(f'"{key}" is set twice', item.source)
            continue
        seen.add(key)
        entry = Node(value, item.source, value, interpolated=item.interpolated, broken=item.broken)
        yield key, entry if separator else None, item


def each(node: Node, read: Callable[[Node], Json], context: Context) -> Iterator[Json]:
    """What `read` makes of each item; a mistake costs its item only."""
    for item in node.items:
        try:
            if not item.broken:
                yield read(item)
        except Mistake as mistake:
            context.problems.collect(mistake, item.source)


def fields(node: Node, forms: Mapping[str, Form], context: Context) -> dict[str, Json]:
    """The entries of a mapping that have a form, each in it; a mistake costs its entry only."""
    if not isinstance(node.value, dict):
        raise Mistake("this must be a mapping", node.source)
    found: dict[str, Json] = {}
    for key, form in forms.items():
        entry = node.get(key)
        if entry is None or entry.value is None or entry.broken:
            continue
        try:
            found[key] = form(entry, context)
        except Mistake as mistake:
            context.problems.collect(mistake, entry.source)
    return found


def record(forms: Mapping[str, Form], defaults: Mapping[str, Json] | None = None) -> Form:
    """The form of a mapping with these fields, of which those at their default are left out."""

    def read(node: Node, context: Context) -> dict[str, Json]:
        return leave_out(fields(node, forms, context), defaults or {})

    return read


def leave_out(found: Mapping[str, Json], defaults: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in found.items() if key not in defaults or defaults[key] != value}


def list_of(form: Form, *, key: Callable[[Json], object] | None = None) -> Form:
    """The form of a list whose items have that form; sorted by `key` if one is given."""

    def read(node: Node, context: Context) -> list[Json]:
        found: Iterable[Json] = each(node, lambda item: form(item, context), context)
        return sorted(found, key=key) if key else list(found)  # type: ignore[arg-type]

    return read
