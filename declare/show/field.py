"""A field's documentation: what it is, what it may be, an example to copy, and the fields below it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Protocol

from declare.model.canonical import Json
from declare.show.lines import Line, Style, columns, line, pad, span

_WORD = r"(?:[A-Za-z0-9_./~@%+=-]|:(?=[A-Za-z0-9_./]))+"
_PLAIN = re.compile(rf"(?=[A-Za-z_./~]){_WORD}( {_WORD})*")
_TAKEN = frozenset(("true", "false", "null", "~", "yes", "no", "on", "off"))


class Field(Protocol):
    """What is told of a field."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def forms(self) -> tuple[str, ...]: ...
    @property
    def default(self) -> Json: ...
    @property
    def examples(self) -> tuple[Json, ...]: ...
    @property
    def subfields(self) -> tuple[tuple[str, str], ...]: ...


def show_field(field: Field) -> Iterator[Line]:
    """The documentation of one field."""
    yield line(span(field.name, Style.TITLE))
    if field.description:
        yield line(f"  {field.description}", hang=2)
    if field.forms:
        yield line()
        yield line(f"  {', or '.join(field.forms)}", hang=2)
    if field.default is not None:
        yield line(f"  default: {show_yaml(field.default)}", hang=2)
    if field.examples:
        yield from (line(), line(span("Example", Style.TITLE)))
        last = field.name.rpartition(".")[2]
        for example in field.examples:
            yield line(f"  {last}: {show_yaml(example)}", hang=4)
    if field.subfields:
        yield from (line(), line(span("Fields", Style.TITLE)))
        width = max(columns(name) for name, _ in field.subfields)
        for name, description in field.subfields:
            yield line(f"  {pad(name, width)}  {description}", hang=width + 4)


def show_yaml(value: Json) -> str:
    """A value in YAML's flow form, on one line."""
    if isinstance(value, str):
        return (
            value if _PLAIN.fullmatch(value) and value.lower() not in _TAKEN else json.dumps(value, ensure_ascii=False)
        )
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{show_yaml(key)}: {show_yaml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(show_yaml(each) for each in value) + "]"
    return json.dumps(value)
