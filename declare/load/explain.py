"""What the schemas say of a field, as data."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from declare.load.schema import strict_schema
from declare.load.shape_problems import describe
from declare.model.canonical import Json
from declare.model.errors import InputError
from declare.model.problem import Problem

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A field's documentation. `forms`: what it may be, in words; `subfields`: their names and descriptions.

    `default` None: it has none.
    """

    name: str
    description: str
    forms: tuple[str, ...]
    default: Json = None
    examples: tuple[Json, ...] = ()
    subfields: tuple[tuple[str, str], ...] = ()


def explain(field: str) -> Explanation:
    """The documentation of a field. Raises InputError, which suggests the nearest one.

    A field of an app is named alone ("healthcheck.interval"), the others by their file ("inventory.hosts.engine",
    "manifest.volumes.driver"); without the file's name the first of app, inventory and manifest that has it is meant.
    "app", "inventory" and "manifest" alone list their fields.
    """
    steps = [step for step in field.strip().split(".") if step]
    roots = _roots()
    if steps and steps[0] in roots:
        return _follow(roots[steps[0]], steps[1:], field, name=field)
    if steps[:1] == ["apps"] and len(steps) > 1:
        inner = roots["app"]
        return _follow(inner, steps[1:] if steps[1] in _children(inner) else steps[2:], field, name=field)
    for root in roots.values():
        if steps and _has(root, steps):
            return _follow(root, steps, field, name=field)
    return _follow(roots["app"], steps, field, name=field or "app")


def field_names() -> tuple[str, ...]:
    """All fields of an app with their subfields, then those of the inventory; as `explain` takes them."""
    roots = _roots()
    return tuple(_names(roots["app"], "")) + tuple(_names(roots["inventory"], "inventory."))


def _roots() -> dict[str, Schema]:
    manifest = strict_schema("manifest")
    app = manifest["properties"]["apps"]["additionalProperties"]
    description = {"description": "The fields of an app, below apps: NAME: in a manifest."}
    return {"app": app | description, "inventory": strict_schema("inventory"), "manifest": manifest}


def _names(schema: Schema, prefix: str) -> list[str]:
    found: list[str] = []
    for name, child in _children(schema).items():
        found += [prefix + name, *_names(child, f"{prefix}{name}.")]
    return found


def _has(schema: Schema, steps: list[str]) -> bool:
    for step in steps:
        if step not in (children := _children(schema)):
            return False
        schema = children[step]
    return True


def _follow(schema: Schema, steps: list[str], field: str, *, name: str) -> Explanation:
    for at, step in enumerate(steps):
        children = _children(schema)
        if step not in children:
            raise _unknown(field, len(steps) - at, step, children)
        schema = children[step]
    return Explanation(
        name=name,
        description=schema.get("description", ""),
        forms=_forms(schema),
        default=schema.get("default"),
        examples=tuple(schema.get("examples", ())),
        subfields=tuple((key, child.get("description", "")) for key, child in _children(schema).items()),
    )


def _forms(schema: Schema) -> tuple[str, ...]:
    found = [describe({key: value for key, value in schema.items() if key != "title"})]
    found = [describe(branch) for branch in schema.get("anyOf", ())] or found
    return tuple(dict.fromkeys([schema["title"]] if "title" in schema else found))


def _children(schema: Schema) -> dict[str, Schema]:
    """The fields right below one, through lists, mappings of names, and alternatives."""
    found: dict[str, Schema] = dict(schema.get("properties", {}))
    for inner in (schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())):
        if isinstance(inner, dict):
            found = _children(inner) | found
    return found


def _unknown(field: str, rest: int, step: str, children: Mapping[str, Schema]) -> InputError:
    """`rest`: how many steps of the field, this one included, could not be followed."""
    close = difflib.get_close_matches(step, children or field_names(), n=1)
    nearest = ".".join([*field.split(".")[:-rest], *close])
    hint = f'did you mean "{nearest}"?' if close else 'see "declare explain" for all fields'
    return InputError([Problem(f'there is no field "{field}"', help=hint)])
