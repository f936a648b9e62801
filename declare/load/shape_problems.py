"""What is wrong with a shape, in words for whoever wrote it; none of them are the checking library's."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from declare.load.document import Node
from declare.load.foreign_keys import APP_KEYS, HEALTHCHECK_KEYS, PORT_KEYS, TOP_KEYS
from declare.load.problems import Problems
from declare.model.problem import Source

Place = tuple[str | int, ...]

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_YES_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_STRUCTURAL = {"additionalProperties", "required", "propertyNames", "dependentRequired", "not", "oneOf"}


def add_problems(errors: Iterable[Any], node: Node, kind: str, problems: Problems) -> set[Place]:
    """Add a problem for each error of the checking library; the places of the values that can't be used."""
    teller = _Teller(node, kind, problems)
    for error in errors:
        teller.tell(error)
    return teller.bad


class _Teller:
    def __init__(self, root: Node, kind: str, problems: Problems) -> None:
        self._root = root
        self._kind = kind
        self._problems = problems
        self.bad: set[Place] = set()

    def tell(self, error: Any) -> None:
        place = tuple(error.absolute_path)
        if error.validator in ("not", "oneOf") and not isinstance(error.instance, dict):
            return  # that it is no mapping is said by another error
        if error.validator == "additionalProperties" and error.validator_value is False:
            self._tell_unknown(error, place)
        elif "propertyNames" in list(error.schema_path)[-2:]:
            self._tell_name(error, place)
        elif error.validator == "anyOf":
            self._tell_any_of(error, place)
        elif error.validator in _STRUCTURAL:
            self._tell_missing(error, place)
        else:
            self._tell_value(error, place)

    def _tell_unknown(self, error: Any, place: Place) -> None:
        known = error.schema.get("properties", {})
        patterns = error.schema.get("patternProperties", {})
        for key in error.instance:
            if key in known or any(re.search(pattern, key) for pattern in patterns):
                continue
            where = f" in {self._name(place)}" if place else f" in {self._name(())}"
            self._problems.add(f'unknown field "{_cut(key)}"{where}', self._find(place).key_source(key),
                               help=self._help_unknown(key, known, place))  # fmt: skip

    def _help_unknown(self, key: str, known: Mapping[str, Any], place: Place) -> str:
        foreign = self._foreign_keys(place)
        if key in foreign:
            return foreign[key]
        close = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.6)
        if close:
            return f'did you mean "{close[0]}"?'
        if len(known) <= 12:
            return f"it can have {', '.join(known)}"
        return 'see "declare explain" for the fields there are; x- fields are free'

    def _foreign_keys(self, place: Place) -> Mapping[str, str]:
        if self._kind != "manifest":
            return {}
        if not place:
            return TOP_KEYS
        if place[0] == "apps" and len(place) == 2:
            return APP_KEYS
        if place[2:3] == ("publish",):
            return PORT_KEYS
        return HEALTHCHECK_KEYS if place[2:3] == ("healthcheck",) else {}

    def _tell_name(self, error: Any, place: Place) -> None:
        key = str(error.instance)
        self.bad.add((*place, key))
        source = self._find(place).key_source(key)
        self._problems.add(f'"{_cut(key)}" in {self._name(place)} must be {describe(error.schema)}', source)

    def _tell_any_of(self, error: Any, place: Place) -> None:
        """The errors of the branch that was meant, if that can be told from the type; else what all of them want."""
        branches: dict[int, list[Any]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        meant = [inner for inner in branches.values() if not any(_is_other_type(one) for one in inner)]
        if len(meant) == 1 and any(one.relative_path or one.validator in _STRUCTURAL for one in meant[0]):
            for one in meant[0]:
                self.tell(one)
        else:
            self._tell_value(error, place)

    def _tell_missing(self, error: Any, place: Place) -> None:
        given, wanted = error.instance, error.validator_value
        name = self._name(place)
        if error.validator == "required":
            summary = f"{name} needs {' and '.join(key for key in wanted if key not in given)}"
        elif error.validator == "dependentRequired":
            summary = self._pair(given, wanted, name)
        elif error.validator == "oneOf":
            keys = [key for branch in wanted for key in branch["required"]]
            both = [key for key in keys if key in given]
            summary = f"{name} can't have both {' and '.join(both)}" if both else f"{name} needs {_join(keys)}"
        else:
            summary = f"{name} can't have both {' and '.join(wanted.get('required', []))}"
        self.bad.add(place)
        self._problems.add(summary, self._key_source(place))

    def _pair(self, given: Mapping[str, Any], wanted: Mapping[str, Sequence[str]], name: str) -> str:
        for key, needed in wanted.items():
            for other in needed:
                if key in given and other not in given:
                    return f"{name} has {key} and so needs {other}"
        return f"{name} is incomplete"

    def _tell_value(self, error: Any, place: Place) -> None:
        node = self._find(place)
        self.bad.add(place)
        if node.broken:
            return
        words = describe(error.schema)
        summary = f"{self._name(place)} must be {words}, not {show(node.value)}"
        if isinstance(node.value, list | dict) and not node.value:
            summary = f"{self._name(place)} is empty"
        source = self._key_source(place) if node.value is None else node.source
        self._problems.add(summary, source, help=_help_value(node, error.schema))

    def _find(self, place: Place) -> Node:
        node = self._root
        for step in place:
            node = node.items[step] if isinstance(step, int) else node.mapping[step]
        return node

    def _key_source(self, place: Place) -> Source:
        """Where the name of a value stands; its own place for an item of a list."""
        if not place:
            return self._root.source
        parent, last = self._find(place[:-1]), place[-1]
        return parent.key_source(last) if isinstance(last, str) else self._find(place).source

    def _name(self, place: Place) -> str:
        if not place:
            return f"the {self._kind}"
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
        return _cut(steps.removeprefix("."), 80)


def describe(schema: Mapping[str, Any]) -> str:
    """What a value must be, in words."""
    if "title" in schema:
        return str(schema["title"])
    if "enum" in schema:
        return _join([str(value) for value in schema["enum"]])
    if "anyOf" in schema:
        return _join(list(dict.fromkeys(describe(branch) for branch in schema["anyOf"])))
    types = schema.get("type", [])
    return _join([_TYPES[name] for name in ([types] if isinstance(types, str) else types)]) or "something else"


def show(value: Any) -> str:
    """A value in a message, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return _cut(json.dumps(value, ensure_ascii=False))


def _is_other_type(error: Any) -> bool:
    return not error.relative_path and error.validator in ("type", "enum", "const")


def _help_value(node: Node, schema: Mapping[str, Any]) -> str | None:
    wanted, value = set(_all_types(schema)), node.value
    if isinstance(value, str):
        choices = [str(choice) for choice in schema.get("enum", ())]
        close = difflib.get_close_matches(value, choices, n=1)
        return f'did you mean "{close[0]}"?' if close else _help_text(value, wanted)
    if isinstance(value, int | float) and "string" in wanted and not wanted & {"integer", "number"}:
        is_duration = describe(schema).startswith("a duration")
        return f"a number needs its unit: {node.text}s" if is_duration else f'quote it: "{node.text}"'
    return None


def _help_text(text: str, wanted: set[str]) -> str | None:
    """What to write where text stands for something else."""
    if "boolean" in wanted and text.lower() in _YES_NO:
        return f"write {_YES_NO[text.lower()]}"
    if not wanted & {"integer", "number"}:
        return None
    if re.fullmatch(r"[-+]?0[0-9]{1,17}", text):
        return f"readers disagree about numbers that begin with 0: write {int(text)}"
    return "write it without quotes" if re.fullmatch(r"[-+]?[0-9]{1,17}(\.[0-9]+)?", text) else None


def _all_types(schema: Mapping[str, Any]) -> Iterator[str]:
    types = schema.get("type", ())
    yield from (types,) if isinstance(types, str) else types
    for branch in schema.get("anyOf", ()):
        yield from _all_types(branch)


def _join(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" or {words[-1]}" if words else ""


def _cut(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
