"""Whatever is written, it is read or refused; nothing else happens."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from declare.load.app import parse_app
from declare.load.document import read_document, unwrap
from declare.load.dotenv import parse_dotenv
from declare.load.interpolation import look_up, substitute
from declare.load.problems import Mistake, Problems
from declare.load.project import load_project
from declare.load.schema import read_schema
from declare.model.canonical import canonical_json
from declare.model.errors import InputError
from tests.load.bad_input import APP, INVENTORY

FIELDS = read_schema("manifest")["$defs"]["app"]["properties"]
KEYS = sorted(FIELDS)
LOOKUP = look_up({"A": "a", "E": "", "PORT": "80"})

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
yaml_text = st.text(alphabet="ab: -[]{}&*!|>'\"#\n\t,.<$\\01%@`é\U0001f600", max_size=80)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["${A}", "1s", "5m", "a:/b"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=8,
)
examples = st.fixed_dictionaries(
    {"image": st.just("x")},
    optional={
        name: st.sampled_from(field["examples"]) for name, field in FIELDS.items() if name not in ("image", "env_file")
    },
)


def load(manifest: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "inventory.yaml").write_text(INVENTORY)
        (folder / "web.yaml").write_text(manifest, newline="", errors="surrogateescape")
        load_project(folder / "inventory.yaml", [folder / "web.yaml"], environment={"A": "a"})


@given(st.text(max_size=60) | yaml_text)
@quick
def test_any_text_is_a_document_or_a_problem(text: str) -> None:
    problems = Problems()
    node = read_document(text, "x.yaml", problems)
    assert node is not None or problems.any_errors or not text.strip() or "#" in text or "%" in text or "---" in text
    if node is not None:
        unwrap(node)


@given(st.text(max_size=60) | st.text(alphabet="${}:-?+AEU \\", max_size=30))
@quick
def test_interpolation_gives_text_or_a_mistake(text: str) -> None:
    try:
        assert isinstance(substitute(text, LOOKUP), str)
    except Mistake as mistake:
        assert mistake.summary


@given(st.text(alphabet="$A", max_size=30))
@quick
def test_a_doubled_dollar_sign_is_one(text: str) -> None:
    assert substitute(text.replace("$", "$$"), LOOKUP) == text


@given(st.text(alphabet="AB='\"# \n\\$:{}x", max_size=60))
@quick
def test_any_dotenv_file_is_variables_or_problems(text: str) -> None:
    found = parse_dotenv(text, ".env", lookup=LOOKUP, problems=Problems())
    assert all(isinstance(value, str) for value in found.values())


@given(yaml_text)
@quick
def test_any_end_of_a_manifest_is_read_or_refused(text: str) -> None:
    try:
        load(APP + "    " + text)
    except InputError as error:
        assert all(problem.source for problem in error.problems)


@given(st.sampled_from(KEYS), values)
@settings(quick, max_examples=120)
def test_any_value_of_any_field_is_read_or_refused_at_its_place(field: str, value: Any) -> None:
    app = {"image": "x", field: value}
    try:
        load(canonical_json({"apps": {"web": app}}))
    except InputError as error:
        assert all(problem.source and problem.source.line >= 1 for problem in error.problems)


@given(st.sampled_from(KEYS), values)
@settings(quick, max_examples=120)
def test_any_recorded_spec_is_an_app_or_refused(field: str, value: Any) -> None:
    try:
        app = parse_app("web", {"image": "x", field: value})
    except InputError:
        return
    assert parse_app("web", app.spec).spec == app.spec


@given(examples)
@quick
def test_the_canonical_form_of_a_canonical_form_is_itself(spec: Any) -> None:
    spec = {name: value for name, value in spec.items() if name != "port" or "ports" not in spec}
    app = parse_app("web", spec)
    assert parse_app("web", app.spec) == app
    assert list(parse_app("web", dict(reversed(spec.items()))).spec.items()) == list(app.spec.items())
