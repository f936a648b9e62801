"""The schemas are the contract: closed, complete, and with a description and an example on every field."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema.validators import Draft202012Validator

from declare.load.app import parse_app
from declare.load.explain import explain, field_names
from declare.load.fields import FORMS
from declare.load.schema import read_schema, strict_schema
from declare.model.errors import InputError
from declare.model.fields import FIELDS

KINDS = ("manifest", "inventory")
APP = read_schema("manifest")["$defs"]["app"]["properties"]


def fields_of(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema, wherever it stands."""
    if isinstance(schema, list):
        for item in schema:
            yield from fields_of(item, path)
    elif isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            yield f"{path}.{name}", field
        for name, inner in schema.items():
            if name not in ("examples", "default"):
                yield from fields_of(inner, f"{path}.{name}")


def objects_of(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for item in schema:
            yield from objects_of(item)
    elif isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield schema
        for name, inner in schema.items():
            if name not in ("examples", "default"):
                yield from objects_of(inner)


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_a_schema(kind: Any) -> None:
    Draft202012Validator.check_schema(read_schema(kind))
    Draft202012Validator.check_schema(strict_schema(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_description_and_an_example_that_is_valid(kind: Any) -> None:
    schema = read_schema(kind)
    for path, field in fields_of(schema):
        assert field.get("description", "").endswith("."), path
        assert field.get("examples"), path
        inner = Draft202012Validator(field | {"$defs": schema["$defs"]})
        for example in field["examples"]:
            assert inner.is_valid(example), (path, example)


@pytest.mark.parametrize("kind", KINDS)
def test_every_mapping_is_closed_and_leaves_x_fields_free(kind: Any) -> None:
    for schema in objects_of(read_schema(kind)):
        assert schema.get("additionalProperties") is False
        assert "^x-" in schema["patternProperties"]


def test_the_schema_the_forms_and_the_table_of_fields_have_the_same_fields() -> None:
    assert set(APP) == set(FIELDS) == set(FORMS)


@pytest.mark.parametrize("value", ["${N}", "a${N}b", "${N:-3}"])
def test_an_editor_takes_a_variable_where_a_number_goes(value: str) -> None:
    manifest = {"apps": {"web": {"image": "x", "replicas": value, "mem_limit": value, "init": value, "restart": value}}}
    assert Draft202012Validator(read_schema("manifest")).is_valid(manifest)
    assert not Draft202012Validator(strict_schema("manifest")).is_valid(manifest)


@pytest.mark.parametrize(
    ("field", "example"),
    [(name, example) for name, field in APP.items() for example in field["examples"] if name != "env_file"],
    ids=str,
)
def test_the_canonical_form_of_every_example_is_valid_and_its_own_canonical_form(field: str, example: Any) -> None:
    app = parse_app("web", {"image": "x", field: example})
    assert field in app.spec or (field, example) == ("image", example)
    assert parse_app("web", app.spec) == app
    assert Draft202012Validator(strict_schema("manifest")).is_valid({"apps": {"web": app.spec}})


def test_every_default_is_left_out_of_the_canonical_form() -> None:
    for name, field in APP.items():
        if "default" in field:
            assert name not in parse_app("web", {"image": "x", name: field["default"]}).spec, name


def test_every_field_can_be_explained() -> None:
    for name in field_names():
        explanation = explain(name)
        assert explanation.description, name
        assert explanation.forms, name
        assert explanation.examples, name


def test_explain_finds_a_field_by_any_of_its_names() -> None:
    assert explain("healthcheck.interval").default == "2s"
    assert explain("apps.web.healthcheck.interval").default == "2s"
    assert explain("hosts.engine").examples[0] == "ssh://deploy@web-1.example.com"
    assert [name for name, _ in explain("inventory.proxy.listen").subfields] == ["http", "https"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("replcas", "replicas"), ("healthcheck.intrval", "healthcheck.interval"), ("inventory.hots", "inventory.hosts")],
)
def test_explain_suggests_the_nearest_field(wrong: str, right: str) -> None:
    with pytest.raises(InputError) as raised:
        explain(wrong)
    assert raised.value.problems[0].help == f'did you mean "{right}"?'
