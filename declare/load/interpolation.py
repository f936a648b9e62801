"""${…} in values, as Compose has it, except that an undefined variable is a mistake. Keys are left alone."""

import re
from collections.abc import Callable, Mapping

from declare.load.document import Node
from declare.load.problems import Mistake, Problems
from declare.load.text import CONTROL, SIZE_LIMIT

Lookup = Callable[[str], str | None]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")
_NESTING_LIMIT = 16
_TOTAL_LIMIT = 16 * SIZE_LIMIT


def look_up(*scopes: Mapping[str, str]) -> Lookup:
    """A lookup in which the first scope that has a name wins."""

    def lookup(name: str) -> str | None:
        return next((scope[name] for scope in scopes if name in scope), None)

    return lookup


def substitute(text: str, lookup: Lookup) -> str:
    """The text with its variables replaced. Raises Mistake; its message names the expression."""
    return _Expression(text, lookup).read_all()


class Unset(Mistake):
    """A variable that can't be replaced; `expression` is where it begins in its text, as written."""

    expression = ""


class Interpolator:
    """Replaces variables in a tree. What aliases share is read once and stays shared."""

    def __init__(self, lookup: Lookup, problems: Problems) -> None:
        self._lookup = lookup
        self._problems = problems
        self._done: dict[int, Node] = {}
        self._size = 0

    def interpolate(self, node: Node) -> Node:
        """The tree with variables replaced; the same tree where there are none."""
        known = self._done.get(id(node))
        if known is None:
            known = self._done[id(node)] = self._replace(node)
        return known

    def _replace(self, node: Node) -> Node:
        value = node.value
        if isinstance(value, dict):
            entries = {key: self.interpolate(entry) for key, entry in value.items()}
            changed = any(entry.interpolated for entry in entries.values())
            return Node(entries, node.source, keys=node.keys, interpolated=True) if changed else node
        if isinstance(value, list):
            items = [self.interpolate(entry) for entry in value]
            return Node(items, node.source, interpolated=True) if any(item.interpolated for item in items) else node
        return self._replace_text(node, value) if isinstance(value, str) and "$" in value else node

    def _replace_text(self, node: Node, value: str) -> Node:
        try:
            text = substitute(value, self._lookup)
            self._size += len(text)
            if len(text) > SIZE_LIMIT or self._size > _TOTAL_LIMIT:
                raise Mistake("too much text comes out of its variables")
            if CONTROL.search(text):
                raise Mistake("a control character comes out of its variables")
        except Mistake as mistake:
            expression = mistake.expression if isinstance(mistake, Unset) else ""
            self._problems.collect(mistake, self._problems.locate(expression, node.source))
            self._problems.settle(node.source)
            return Node(value, node.source, value, interpolated=True, broken=True)
        return Node(text, node.source, text, interpolated=True)


class _Expression:
    """Reads one text from left to right; `_at` is the next character."""

    def __init__(self, text: str, lookup: Lookup) -> None:
        self._text = text
        self._lookup = lookup
        self._at = 0

    def read_all(self) -> str:
        return self._read_until("", depth=0, wanted=True)

    def _read_until(self, end: str, *, depth: int, wanted: bool) -> str:
        """Text up to `end`, which is consumed. `wanted` False: the branch is not taken, and nothing in it can fail."""
        start, size = self._at, 0
        pieces: list[str] = []
        while self._at < len(self._text):
            if end and self._text[self._at] == end:
                self._at += 1
                return "".join(pieces)
            stop = self._next_special(end)
            piece = self._read_variable(depth=depth, wanted=wanted) if stop == self._at else self._text[self._at : stop]
            self._at = max(self._at, stop)
            size += len(piece)
            if size > SIZE_LIMIT:
                raise Mistake("too much text comes out of its variables")
            pieces.append(piece)
        if end:
            raise Mistake(f'"{_shorten(self._text[max(start - 2, 0) :])}" has no closing brace')
        return "".join(pieces)

    def _next_special(self, end: str) -> int:
        found = [at for mark in ("$", end) if mark and (at := self._text.find(mark, self._at)) >= 0]
        return min(found, default=len(self._text))

    def _read_variable(self, *, depth: int, wanted: bool) -> str:
        start = self._at
        try:
            return self._read_expression(start, depth=depth, wanted=wanted)
        except Unset as mistake:
            mistake.expression = mistake.expression or self._text[start : max(self._at, start + 1)]
            raise

    def _read_expression(self, start: int, *, depth: int, wanted: bool) -> str:
        self._at += 1
        if self._text.startswith("$", self._at):
            self._at += 1
            return "$"
        if name := _NAME.match(self._text, self._at):
            self._at = name.end()
            return self._value(name.group(), wanted=wanted)
        if self._text.startswith("{", self._at) and (name := _NAME.match(self._text, self._at + 1)):
            self._at = name.end()
            return self._read_braced(name.group(), start, depth=depth, wanted=wanted)
        raise self._unclear(start)

    def _read_braced(self, name: str, start: int, *, depth: int, wanted: bool) -> str:
        if self._text.startswith("}", self._at):
            self._at += 1
            return self._value(name, wanted=wanted)
        operator = _OPERATOR.match(self._text, self._at)
        if operator is None:
            raise self._unclear(start)
        if depth >= _NESTING_LIMIT:
            raise Mistake(f"variables are nested deeper than {_NESTING_LIMIT} levels")
        self._at = operator.end()
        value = self._lookup(name)
        is_set = value is not None and (value != "" or operator.group()[0] != ":")
        takes_word = is_set == operator.group().endswith("+")
        word = self._read_until("}", depth=depth + 1, wanted=wanted and takes_word)
        if not takes_word:
            return value or "" if not operator.group().endswith("+") else ""
        if operator.group().endswith("?") and wanted:
            raise Unset(f"variable {name} is not set" + (f": {word}" if word else ""))
        return word

    def _value(self, name: str, *, wanted: bool) -> str:
        value = self._lookup(name)
        if value is None and wanted:
            hint = f"set it in the environment, in .env or in the inventory's vars, or write ${{{name}:-default}}"
            raise Unset(f"variable {name} is not set", help=hint)
        return value or ""

    def _unclear(self, start: int) -> Mistake:
        return Unset(f'"{_shorten(self._text[start:])}" is no variable', help="write $$ for a dollar sign")


def _shorten(text: str) -> str:
    line = text.split("\n", 1)[0]
    return line if len(line) <= 30 else line[:29] + "…"
