"""Whether a value is certain to conform to a schema. It knows the keywords that ours use, and is sure of no other.

Right documents are the rule, and the checking library takes longer to import than all else that a plan does.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]
Check = Callable[[Any, Any, Schema], bool]


def surely_conforms(value: Any, schema: Schema) -> bool:
    """False says nothing: the value may be wrong, or the schema may hold what is not known here."""
    try:
        return _conforms(value, schema)
    except _Unsure:
        return False


class _Unsure(Exception):
    """Raised rather than answered, so that no `not` or `oneOf` turns it into a yes."""


def _conforms(value: Any, schema: Schema | bool) -> bool:
    if isinstance(schema, bool):
        return schema
    return all(_CHECKS.get(keyword, _refuse)(value, wanted, schema) for keyword, wanted in schema.items())


def _refuse(*_: object) -> bool:
    raise _Unsure


def _has_type(value: Any, wanted: Any, _: Schema) -> bool:
    return any(_is(value, kind) for kind in ([wanted] if isinstance(wanted, str) else wanted))


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, float):
        return kind == "number" or (kind == "integer" and value.is_integer())
    return isinstance(value, _TYPES[kind])


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "number": int,
    "object": dict,
    "string": str,
}


def _equals(value: Any, wanted: Any) -> bool:
    if isinstance(value, list | dict):
        raise _Unsure
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_properties(value: Any, wanted: Any, _: Schema) -> bool:
    return not isinstance(value, dict) or all(
        _conforms(entry, wanted[key]) for key, entry in value.items() if key in wanted
    )


def _check_patterns(value: Any, wanted: Any, _: Schema) -> bool:
    return not isinstance(value, dict) or all(
        _conforms(entry, schema)
        for pattern, schema in wanted.items()
        for key, entry in value.items()
        if re.search(pattern, key)
    )


def _check_additional(value: Any, wanted: Any, schema: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    return all(
        _conforms(entry, wanted)
        for key, entry in value.items()
        if key not in known and not any(re.search(pattern, key) for pattern in patterns)
    )


def _check_dependent(value: Any, wanted: Any, _: Schema) -> bool:
    return not isinstance(value, dict) or all(
        key not in value or all(other in value for other in others) for key, others in wanted.items()
    )


_NOTES = ("$id", "$schema", "default", "description", "examples", "title")

_CHECKS: Mapping[str, Check] = {
    **dict.fromkeys(_NOTES, lambda *_: True),
    "type": _has_type,
    "const": lambda value, wanted, _: _equals(value, wanted),
    "enum": lambda value, wanted, _: any(_equals(value, one) for one in wanted),
    "pattern": lambda value, wanted, _: not isinstance(value, str) or bool(re.search(wanted, value)),
    "minLength": lambda value, wanted, _: not isinstance(value, str) or len(value) >= wanted,
    "minimum": lambda value, wanted, _: not _is_number(value) or value >= wanted,
    "maximum": lambda value, wanted, _: not _is_number(value) or value <= wanted,
    "minItems": lambda value, wanted, _: not isinstance(value, list) or len(value) >= wanted,
    "items": lambda value, wanted, _: not isinstance(value, list) or all(_conforms(item, wanted) for item in value),
    "minProperties": lambda value, wanted, _: not isinstance(value, dict) or len(value) >= wanted,
    "required": lambda value, wanted, _: not isinstance(value, dict) or all(key in value for key in wanted),
    "propertyNames": lambda value, wanted, _: (
        not isinstance(value, dict) or all(_conforms(key, wanted) for key in value)
    ),
    "dependentRequired": _check_dependent,
    "properties": _check_properties,
    "patternProperties": _check_patterns,
    "additionalProperties": _check_additional,
    "anyOf": lambda value, wanted, _: any(_conforms(value, branch) for branch in wanted),
    "oneOf": lambda value, wanted, _: sum(_conforms(value, branch) for branch in wanted) == 1,
    "not": lambda value, wanted, _: not _conforms(value, wanted),
}
