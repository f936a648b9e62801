"""The published schemas of what declare prints, derived from the model's types. `python -m tests.show.schemas` writes
them to schemas/.
"""

import inspect
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from declare.model.event import Failure, Outcome, Transition
from declare.model.plan import Plan
from declare.model.problem import Problem
from declare.model.status import HostStatus, Status
from declare.show.summary import Summary

FOLDER = Path(__file__).parents[2] / "schemas"
NULLABLE_TEXT = {"type": ["string", "null"]}
PRIMITIVES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


class Schemas:
    """JSON Schemas of types, with one definition for each dataclass met."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if kind is Any or kind in PRIMITIVES:
            return {"type": PRIMITIVES[kind]} if kind in PRIMITIVES else {}
        if is_dataclass(kind):
            return {"$ref": f"#/$defs/{self.define(kind)}"}
        if origin is typing.Literal or inspect.isclass(kind):
            return {"enum": list(arguments) or [member.value for member in kind]}
        return self.of_parts(origin, arguments)

    def of_parts(self, origin: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
        if origin in (typing.Union, types.UnionType):
            return {"anyOf": [self.of(each) for each in arguments]}
        if origin is tuple and arguments[-1] is not Ellipsis:
            return {"type": "array", "prefixItems": [self.of(each) for each in arguments], "items": False}
        if origin in (tuple, frozenset):
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is Mapping:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        raise TypeError(origin)

    def define(self, kind: Any) -> str:
        name = str(kind.__name__)
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self.properties(kind)
        return name

    def properties(self, kind: Any) -> dict[str, Any]:
        hints = typing.get_type_hints(kind)
        properties = {field.name: self.of(hints[field.name]) for field in fields(kind)}
        description = " ".join((inspect.getdoc(kind) or "").split())
        return closed(properties, description)


def closed(properties: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def merged(kind: Any, **extra: Any) -> dict[str, Any]:
    """A document with these keys beside those of a dataclass."""
    schemas = Schemas()
    body = schemas.properties(kind)
    document = closed({**extra, **body["properties"]}, body["description"])
    return {**document, "$defs": dict(sorted(schemas.definitions.items()))}


def plan_schema() -> dict[str, Any]:
    schemas = Schemas()
    summary = schemas.of(Summary)
    document = merged(
        Plan,
        format={"const": "declare.plan/1"},
        declare={**NULLABLE_TEXT, "description": "The version that made the plan."},
        inventory={**NULLABLE_TEXT, "description": "The inventory's path."},
        git={**NULLABLE_TEXT, "description": "The commit that the manifests are at."},
        changes={"type": "boolean", "description": "Whether there is anything to do."},
        complete={"type": "boolean", "description": "Whether every host was read or is given up."},
        summary=summary,
    )
    document["$defs"] = dict(sorted({**document["$defs"], **schemas.definitions}.items()))
    return document


def events_schema() -> dict[str, Any]:
    """One of the lines of `apply --json`."""
    line: dict[str, Any] = {"format": {"const": "declare.event/1"}}
    kinds = [
        merged(Transition, **line, event={"const": "transition"}),
        merged(Failure, **line, event={"const": "failure"}),
        merged(
            Outcome,
            **line,
            event={"const": "outcome"},
            reached={"type": "boolean", "description": "Whether the declared state was observed on every host."},
            exit_code={"enum": [0, 1, 3, 130]},
        ),
        closed(
            {**line, "event": {"const": "plan"}, "plan": {"$ref": "plan.schema.json"}},
            "What is about to be carried out.",
        ),
    ]
    definitions = {name: value for kind in kinds for name, value in kind.pop("$defs", {}).items()}
    return {"description": "One line of apply --json.", "oneOf": kinds, "$defs": definitions}


def list_schema(kind: Any, name: str, **extra: Any) -> dict[str, Any]:
    schemas = Schemas()
    items = {"type": "array", "items": schemas.of(kind)}
    return {**closed({**extra, name: items}, f"All {name}."), "$defs": schemas.definitions}


def all_schemas() -> dict[str, dict[str, Any]]:
    """Every schema by the name of its file."""
    complete = {"type": "boolean", "description": "Whether every host was read."}
    bodies = {
        "plan": plan_schema(),
        "events": events_schema(),
        "status": merged(Status, format={"const": "declare.status/1"}, complete=complete),
        "hosts": list_schema(HostStatus, "hosts", format={"const": "declare.hosts/1"}),
        "problems": list_schema(
            Problem,
            "problems",
            format={"const": "declare.problems/1"},
            valid={"type": "boolean", "description": "Whether there is no error among them."},
        ),
    }
    return {
        f"{name}.schema.json": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"{name}.schema.json",
            "title": f"declare: {name}",
            **body,
        }
        for name, body in bodies.items()
    }


def to_text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for file, schema in all_schemas().items():
        (FOLDER / file).write_text(to_text(schema), encoding="utf-8")
