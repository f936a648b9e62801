"""The quick answer on a shape: a yes must always be the checking library's yes, and right documents must get one."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from jsonschema.validators import Draft202012Validator

from declare.load.conform import surely_conforms
from declare.load.schema import strict_schema
from tests.load.test_schemas import fields_of

KINDS = ("manifest", "inventory")
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 1.0, 1.5, 10**30),
    *("", " ", "x", "x-y", "${A}", "1", "-1", "8000", "é"),
    *([], [1], ["a", "a"], [[]], {}, {"x-a": 1}, {"a": None}, {"name": "x"}, {"path": "/"}, {"": ""}),
)


def every_value(kind: Any) -> list[Any]:
    examples = (field["examples"] for _, field in fields_of(strict_schema(kind)) if "examples" in field)
    return [*{repr(value): value for value in chain(ODD, *examples)}.values()]


def every_field(kind: Any) -> Iterator[tuple[str, Any]]:
    seen = {repr(field): (path, field) for path, field in fields_of(strict_schema(kind))}
    yield from seen.values()


@pytest.mark.parametrize("kind", KINDS)
def test_it_agrees_with_the_checking_library_on_every_field_and_value(kind: Any) -> None:
    values = every_value(kind)
    for at, (path, field) in enumerate(every_field(kind)):
        library = Draft202012Validator(field)
        for value in [*field.get("examples", ()), *values[at % 3 :: 3], *ODD]:
            assert surely_conforms(value, field) == library.is_valid(value), (path, value)


@pytest.mark.parametrize("schema", [{"format": "ipv4"}, {"not": {"format": "ipv4"}}, {"oneOf": [{"contains": {}}, {}]}])
def test_a_keyword_that_it_does_not_know_never_gets_a_yes(schema: Any) -> None:
    assert not surely_conforms("x", schema)


def test_true_is_not_one() -> None:
    assert not surely_conforms(True, {"enum": [1]})
    assert not surely_conforms(1, {"const": True})
    assert surely_conforms(1.0, {"enum": [1]})
