"""A YAML file as a tree in which every value knows its place; bombs, cycles and duplicates are refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from declare.load.problems import Mistake, Problems
from declare.load.scalar import Scalar, resolve
from declare.load.text import CONTROL
from declare.model.canonical import Json
from declare.model.problem import Source

NODE_LIMIT = 100_000
DEPTH_LIMIT = 64

_CORE_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True, eq=False)
class Node:
    """A value and its place. `text` is a scalar as written; `keys` has the places of a mapping's keys.

    `interpolated`: it, or something in it, came out of ${…}, so its type is whatever its field wants.
    `broken`: it is wrong and that was said; nothing more is to be said of it.
    """

    value: "Scalar | list[Node] | dict[str, Node]"
    source: Source
    text: str = ""
    keys: dict[str, Source] = field(default_factory=dict)
    interpolated: bool = False
    broken: bool = False

    @property
    def mapping(self) -> "dict[str, Node]":
        """The entries; none if this is no mapping."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> "list[Node]":
        """The entries; none if this is no list."""
        return self.value if isinstance(self.value, list) else []

    def get(self, key: str) -> "Node | None":
        return self.mapping.get(key)

    def key_source(self, key: str) -> Source:
        return self.keys.get(key, self.source)


def find(root: Node, place: Sequence[str | int]) -> Node | None:
    """The value at a place, or None."""
    node: Node | None = root
    for step in place:
        if node is None:
            return None
        inside = node.items[step : step + 1] if isinstance(step, int) else [node.get(step)]
        node = inside[0] if inside else None
    return node


def wrap(value: Json, source: Source) -> Node:
    """A tree of plain values that all stand at one place."""
    if isinstance(value, Mapping):
        return Node({str(key): wrap(entry, source) for key, entry in value.items()}, source)
    if isinstance(value, list | tuple):
        return Node([wrap(entry, source) for entry in value], source)
    return Node(value, source, write_scalar(value))


def unwrap(node: Node) -> Json:
    """The plain values of a tree."""
    value = node.value
    if isinstance(value, dict):
        return {key: unwrap(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [unwrap(entry) for entry in value]
    return value


def write_scalar(value: Scalar) -> str:
    """A scalar as a manifest writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def read_document(text: str, file: str, problems: Problems) -> Node | None:
    """The one document of a YAML text; None if it is empty or can't be read, which `problems` then says."""
    problems.keep_text(file, text)
    try:
        return _Reader(file, text.splitlines(), problems).read(yaml.parse(text, Loader=_Loader))
    except Mistake as mistake:
        problems.collect(mistake)
    except yaml.MarkedYAMLError as error:
        summary, source, hint = _explain(error, file, text)
        problems.add(summary, source, help=hint)
    except yaml.YAMLError as error:
        problems.add(f"this is not YAML: {str(error).splitlines()[0]}", Source(file))
    return None


def _explain(error: yaml.MarkedYAMLError, file: str, text: str) -> tuple[str, Source, str | None]:
    mark, what = error.problem_mark or error.context_mark, error.problem or error.context or ""
    source = Source(file, mark.line + 1, mark.column + 1) if mark else Source(file)
    line = [*text.splitlines(), ""][mark.line] if mark else ""
    hint = None
    if "cannot start any token" in what:
        what, hint = "no value can begin with this character", "indent with spaces; quote text that begins so"
    elif "${" in line and ("[" in line or line.count("{") > line.count("${")):
        hint = 'inside of [ ] and { } a value with ${…} must be quoted: "${…}"'
    elif "mapping values are not allowed" in what:
        hint = "quote a value that contains a colon and a space; align the keys of a mapping"
    return f"this is not YAML: {what}", source, hint


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been read yet."""

    node: Node
    anchor: str | None
    weight: int = 1
    height: int = 1
    key: str | None = None
    key_source: Source | None = None
    merges: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class _Anchor:
    node: Node
    weight: int = 1
    height: int = 0
    closed: bool = True


class _Reader:
    """Builds the tree from the parser's events: no recursion, so that no depth of nesting can exhaust the stack."""

    def __init__(self, file: str, lines: list[str], problems: Problems) -> None:
        self._file = file
        self._lines = lines
        self._problems = problems
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchor] = {}
        self._count = 0
        self._root: Node | None = None

    def read(self, events: Iterator[Any]) -> Node | None:
        documents = 0
        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._read_scalar(event)
            elif kind is yaml.MappingStartEvent:
                self._start(event, {})
            elif kind is yaml.SequenceStartEvent:
                self._start(event, [])
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._end()
            elif kind is yaml.AliasEvent:
                self._read_alias(event)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise Mistake("a second document begins here", self._source(event), help="use a file for each")
        return self._root

    def _source(self, event: Any) -> Source:
        line, column = event.start_mark.line, event.start_mark.column
        end = event.end_mark
        if end.line == line:
            length = end.column - column
        else:
            length = len(self._lines[line].rstrip()) - column if line < len(self._lines) else 1
        return Source(self._file, line + 1, column + 1, max(length, 1))

    def _read_scalar(self, event: Any) -> None:
        source, text = self._source(event), event.value
        if control := CONTROL.search(text):
            raise Mistake(f"control character U+{ord(control.group()):04X} is not allowed", source)
        self._check_tag(event, source)
        is_text = not event.implicit[0] and (event.tag is None or event.tag.endswith((":str", "!")))
        node = Node(text if is_text else resolve(text), source, text)
        is_merge = text == "<<" and bool(event.implicit[0])
        if event.anchor:
            self._anchors[event.anchor] = _Anchor(node)
        self._weigh(1, source)
        self._grow(1, 0)
        self._attach(node, is_merge=is_merge)

    def _read_alias(self, event: Any) -> None:
        source, anchor = self._source(event), self._anchors.get(event.anchor)
        if anchor is None:
            raise Mistake(f"alias *{event.anchor} has no anchor &{event.anchor} above it", source)
        if not anchor.closed:
            raise Mistake(f"alias *{event.anchor} stands inside of what it repeats", source)
        if len(self._open) + anchor.height > DEPTH_LIMIT:
            raise Mistake(f"nested deeper than {DEPTH_LIMIT} levels", source)
        self._weigh(anchor.weight, source)
        self._grow(anchor.weight, anchor.height)
        self._attach(anchor.node)

    def _start(self, event: Any, empty: "list[Node] | dict[str, Node]") -> None:
        source = self._source(event)
        source = Source(source.file, source.line, source.column)
        self._check_tag(event, source)
        if self._open and isinstance(self._open[-1].node.value, dict) and self._open[-1].key is None:
            raise Mistake("a key must be text", source)
        if len(self._open) >= DEPTH_LIMIT:
            raise Mistake(f"nested deeper than {DEPTH_LIMIT} levels", source)
        self._weigh(1, source)
        node = Node(empty, source)
        if event.anchor:
            self._anchors[event.anchor] = _Anchor(node, closed=False)
        self._open.append(_Open(node, event.anchor))

    def _end(self) -> None:
        ended = self._open.pop()
        for merged in ended.merges:
            for key, value in merged.mapping.items():
                ended.node.mapping.setdefault(key, value)
                ended.node.keys.setdefault(key, merged.key_source(key))
        if ended.anchor:
            self._anchors[ended.anchor] = _Anchor(ended.node, ended.weight, ended.height)
        self._grow(ended.weight, ended.height)
        self._attach(ended.node)

    def _attach(self, node: Node, *, is_merge: bool = False) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        if isinstance(parent.node.value, list):
            parent.node.value.append(node)
        elif parent.key is None:
            self._read_key(parent, node, is_merge=is_merge)
        else:
            self._add_entry(parent, parent.key, node)
            parent.key = None

    def _read_key(self, parent: _Open, node: Node, *, is_merge: bool) -> None:
        if isinstance(node.value, list | dict) or node.value is None:
            raise Mistake("a key must be text", node.source)
        parent.key, parent.key_source = node.text, node.source
        if is_merge:
            parent.key = _MERGE

    def _add_entry(self, parent: _Open, key: str, node: Node) -> None:
        assert parent.key_source is not None
        entries, keys = parent.node.mapping, parent.node.keys
        if key == _MERGE:
            parent.merges += self._mappings(node)
        elif key in keys:
            first = f"it is first set on line {keys[key].line}"
            self._problems.add(f'"{key}" is set twice', parent.key_source, help=first)
        else:
            entries[key], keys[key] = node, parent.key_source

    def _mappings(self, node: Node) -> list[Node]:
        merged = node.items or [node]
        for one in merged:
            if not isinstance(one.value, dict):
                raise Mistake("<< takes a mapping or a list of mappings", one.source)
        return merged

    def _check_tag(self, event: Any, source: Source) -> None:
        if event.tag not in (None, "!") and event.tag not in _CORE_TAGS:
            raise Mistake(f"unknown tag {event.tag}", source, help="remove the tag")

    def _weigh(self, weight: int, source: Source) -> None:
        self._count += weight
        if self._count > NODE_LIMIT:
            raise Mistake(f"more than {NODE_LIMIT} values, counted after aliases", source)

    def _grow(self, weight: int, height: int) -> None:
        if self._open:
            self._open[-1].weight += weight
            self._open[-1].height = max(self._open[-1].height, height + 1)


_MERGE = "\0<<"
"""Stands for the merge key while a mapping is read; no key of a file can hold a NUL."""
