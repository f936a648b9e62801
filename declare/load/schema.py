"""Checks the shape of what was read against the published schemas. The one module that knows jsonschema."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from declare.load.conform import surely_conforms
from declare.load.document import Node, unwrap
from declare.load.problems import Problems
from declare.load.scalar import resolve

Kind = Literal["manifest", "inventory"]
Place = tuple[str | int, ...]
Schema = Mapping[str, Any]

FOLDER = Path(__file__).parent.parent / "schemas"

_VARIABLE = "#/$defs/variable"
_OR_VARIABLE = r"|\$"


def check_shape(node: Node, kind: Kind, problems: Problems) -> set[Place]:
    """Add the problems of a tree's shape; the places of the values that can't be used, unknown fields apart."""
    plain = unwrap(node)
    if surely_conforms(plain, strict_schema(kind)):
        return set()
    errors = list(_validator(kind).iter_errors(plain))
    if not errors:
        return set()
    from declare.load.shape_problems import add_problems

    return add_problems(errors, node, kind, problems)


def coerce(node: Node, schema: Schema) -> Node:
    """The tree in which what came out of variables has the type that its field wants."""
    if not node.interpolated:
        return node
    if isinstance(node.value, dict):
        entries = {key: coerce(entry, _below(schema, key)) for key, entry in node.value.items()}
        return Node(entries, node.source, keys=node.keys, interpolated=True)
    if isinstance(node.value, list):
        return Node([coerce(item, _below(schema, 0)) for item in node.value], node.source, interpolated=True)
    if "string" in _types(schema):
        return node
    return Node(resolve(node.text), node.source, node.text, interpolated=True, broken=node.broken)


@cache
def read_schema(kind: Kind) -> Schema:
    """The published schema, as it is."""
    schema: Schema = json.loads((FOLDER / f"{kind}.schema.json").read_text(encoding="utf-8"))
    return schema


@cache
def strict_schema(kind: Kind) -> Schema:
    """The schema without references, and without the room that it leaves for ${…} as editors see it."""
    published = read_schema(kind)
    strict = _Strict(published["$defs"]).read({key: value for key, value in published.items() if key != "$defs"})
    assert isinstance(strict, dict)
    return strict


@cache
def _validator(kind: Kind) -> Any:
    from jsonschema.validators import Draft202012Validator

    return Draft202012Validator(strict_schema(kind))


class _Strict:
    """Replaces references by what they refer to, each made once; the schemas refer to nothing above themselves."""

    def __init__(self, definitions: Schema) -> None:
        self._definitions = definitions
        self._made: dict[str, Any] = {}

    def read(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self.read(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        strict = {key: value if key in ("examples", "default") else self.read(value) for key, value in schema.items()}
        if isinstance(strict.get("pattern"), str):
            strict["pattern"] = strict["pattern"].removesuffix(_OR_VARIABLE)
        if strict.get("$ref") == _VARIABLE:
            return _REMOVED
        if "$ref" in strict:
            strict = self._refer(strict.pop("$ref")) | strict
        branches = strict.get("anyOf")
        if isinstance(branches, list) and any(branch is _REMOVED for branch in branches):
            branches = [branch for branch in branches if branch is not _REMOVED]
            rest = {key: value for key, value in strict.items() if key != "anyOf"}
            strict = branches[0] | rest if len(branches) == 1 else rest | {"anyOf": branches}
        return strict

    def _refer(self, reference: str) -> dict[str, Any]:
        name = reference.rpartition("/")[2]
        if name not in self._made:
            self._made[name] = self.read(self._definitions[name])
        made: dict[str, Any] = self._made[name]
        return made


_REMOVED: dict[str, Any] = {"not": {}}


def _below(schema: Schema, key: str | int) -> Schema:
    """The schema of an entry or an item, over all branches."""
    found: list[Schema] = []
    for branch in (schema, *schema.get("anyOf", ())):
        if isinstance(key, int):
            found += [branch["items"]] if "items" in branch else []
        elif key in branch.get("properties", {}):
            found.append(branch["properties"][key])
        elif any(re.search(pattern, key) for pattern in branch.get("patternProperties", {})):
            return _ANY
        elif isinstance(branch.get("additionalProperties"), dict):
            found.append(branch["additionalProperties"])
        if branch is not schema and "anyOf" in branch:
            found.append(_below(branch, key))
    return {"anyOf": found} if found else _ANY


_ANY: Schema = {"type": "string"}


def _types(schema: Schema) -> set[str]:
    given = schema.get("type", [])
    types = {given} if isinstance(given, str) else set(given)
    for branch in schema.get("anyOf", ()):
        types |= _types(branch)
    return types
