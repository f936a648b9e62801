"""One field of an app: the values that it goes through, the app that has them, and what a plan must say of it.

A path is the schema's: `update.order`, `routes[].host` (an item of a list), `ulimits.*.soft` (an entry of any name).
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from declare.model.canonical import Json
from declare.model.fields import Forces
from tests.acceptance.project import ROOT

WEB = "declare-test/web:1"
BASE: Mapping[str, Json] = {"image": WEB, "update": {"settle": "0s", "drain": "0s"}}


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Json = _Absent()
"""As a value: the field is not there."""


@dataclass(frozen=True, slots=True)
class Case:
    """One field of an app. `changed` ABSENT: there is but one value, so that changing it is removing it.

    `beside` is what else the app has all along, `at` where the value goes in it (the field's own path unless given).
    `shows` is what a plan shows below `name` for value, changed and removed, where that is not as written: the
    canonical form, and None for a default. `refused` are the words of an engine that can't do it.
    `same` are other ways to write `value`. `untold`: what an inspection shows is the same for both values.
    """

    value: Json
    changed: Json
    beside: Mapping[str, Json] = field(default_factory=dict)
    at: str = ""
    name: str = ""
    shows: tuple[Json, ...] | None = None
    forces: Forces | None = None
    required: bool = False
    refused: str = ""
    same: tuple[Json, ...] = ()
    untold: bool = False
    opinionated: Json = None
    """The value for the image that has opinions of its own, where `value` makes no sense with it; ABSENT: none does."""


def schema_paths() -> list[str]:
    """Every field of an app in the published schema, those inside of others included."""
    schema = json.loads((ROOT / "schemas" / "manifest.schema.json").read_text())
    return sorted(set(_walk(schema["$defs"]["app"], "", schema["$defs"])))


def _walk(node: Mapping[str, Any], path: str, defs: Mapping[str, Any]) -> Iterator[str]:
    """The paths of all that can be set below a node; its own too, where it may be something else than a mapping."""
    if "$ref" in node:
        node = defs[node["$ref"].rpartition("/")[2]]
    for either in node.get("anyOf", [node]):
        alternative = defs[either["$ref"].rpartition("/")[2]] if "$ref" in either else either
        fields, items, entries = (alternative.get(key) for key in ("properties", "items", "additionalProperties"))
        if fields:
            for name, entry in fields.items():
                yield from _walk(entry, f"{path}.{name}".removeprefix("."), defs)
        elif items:
            yield from _walk(items, f"{path}[]", defs)
        elif isinstance(entries, dict) and any(_walk(entries, "", defs)):
            yield from _walk(entries, f"{path}.*", defs)
        else:
            yield path.removesuffix("[]").removesuffix(".*")


def app_with(path: str, case: Case, value: Json, *, image: str = WEB) -> dict[str, Json]:
    """The app that has the field at this value; ABSENT takes it out, or all of what it is a required part of."""
    app = copy.deepcopy({**BASE, "image": image})
    for name, entry in copy.deepcopy(dict(case.beside)).items():
        app[name] = {**app[name], **entry} if name in app and isinstance(entry, dict) else entry
    place = case.at or path.partition("@")[0]
    if value is ABSENT and case.required:
        place = top_level(path)
    _put(app, place.split("."), value)
    return app


def _put(inside: dict[str, Json], keys: list[str], value: Json) -> None:
    key, *rest = keys
    if not rest:
        inside.pop(key, None)
        if value is not ABSENT:
            inside[key] = value
        return
    name = key.removesuffix("[]")
    held = inside.setdefault(name, [{}] if key.endswith("[]") else {})
    _put(held[0] if key.endswith("[]") else held, rest, value)
    if held in ({}, [{}]):
        del inside[name]


def top_level(path: str) -> str:
    """The app's field that a path begins with."""
    return path.partition(".")[0].partition("[")[0].partition("@")[0]


_FORCES = {
    "mode": Forces.SCALE,
    "placement": Forces.PLACE,
    "proxy": Forces.PROXY,
    "pull_policy": Forces.RECORD,
    "replicas": Forces.SCALE,
    "routes": Forces.PROXY,
    "update": Forces.RECORD,
}
"""Said once more, so that the product's own table is held to something; what is not here replaces containers."""


def expected(path: str, case: Case, old: int, new: int) -> dict[str, tuple[Json, Json, Forces]]:
    """What a plan must name when the field goes from one state to another: 0 value, 1 changed, 2 removed."""
    name = case.name or (case.at or path).partition("[")[0].partition("@")[0]
    forces = case.forces or _FORCES.get(top_level(path), Forces.REPLACE)
    before, after = (_flatten(name, _shown(case, state)) for state in (old, new))
    return {
        key: (before.get(key), after.get(key), forces)
        for key in sorted(before | after)
        if before.get(key) != after.get(key)
    }


def _shown(case: Case, state: int) -> Json:
    shows = (*(case.shows or (case.value, case.changed)), None)
    return None if shows[state] is ABSENT else shows[state]


def _flatten(name: str, shown: Json) -> dict[str, Json]:
    """A mapping is named entry by entry."""
    if not isinstance(shown, dict) or name.startswith("secrets."):
        return {name: shown}
    return {key: value for entry in shown for key, value in _flatten(f"{name}.{entry}", shown[entry]).items()}
