"""Values as JSON, and the schemas that describe them."""

import json
import re
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from declare.model.app import SecretValue
from declare.model.event import Failure, Outcome, Transition
from declare.model.plan import AppChange, FieldChange, HostSummary, Plan, Repair, ReplicaChange
from declare.model.problem import Problem, Source
from declare.model.status import HostStatus
from declare.show.json import (
    event_document,
    hosts_document,
    outcome_event,
    plan_document,
    plan_event,
    problems_document,
    render_json,
    render_json_line,
    status_document,
    to_json,
)
from declare.show.lines import columns
from declare.show.markdown import render_markdown
from declare.show.plan import Header, render_plan_text
from tests.show.plans import EVERYDAY, HOSTILE, SITUATIONS
from tests.show.schemas import FOLDER, all_schemas, to_text
from tests.show.test_status import FLEET, STATUS

HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
FIELDS = st.builds(FieldChange, old=JSON, new=JSON)
REPAIRS = st.builds(Repair, settings=st.dictionaries(st.text(), JSON))
REPLICAS = st.builds(ReplicaChange, repairs=st.lists(REPAIRS, max_size=2).map(tuple))
APPS = st.builds(
    AppChange,
    fields=st.lists(FIELDS, max_size=3).map(tuple),
    replicas=st.lists(REPLICAS, max_size=3).map(tuple),
    spec=st.dictionaries(st.text(), JSON),
)
PLANS = st.builds(Plan, apps=st.lists(APPS, max_size=3).map(tuple))


@cache
def validator(name: str) -> Draft202012Validator:
    documents = {file: json.loads((FOLDER / file).read_text()) for file in all_schemas()}
    registry = Registry().with_resources([(file, Resource.from_contents(body)) for file, body in documents.items()])
    return Draft202012Validator(documents[f"{name}.schema.json"], registry=registry)


def assert_valid(name: str, document: object) -> None:
    validator(name).validate(json.loads(render_json(document)))


@pytest.mark.parametrize("file", all_schemas())
def test_the_published_schemas_are_those_of_the_values(file):
    assert (FOLDER / file).read_text() == to_text(all_schemas()[file]), "run: python -m tests.show.schemas"


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_plan_fits_the_published_schema(name):
    assert_valid("plan", plan_document(SITUATIONS[name], header=Header("0.1.0", "inventory.yaml", None)))


@given(PLANS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_plan_there_can_be_fits_the_published_schema(plan):
    assert_valid("plan", plan_document(plan))


@given(PLANS, st.integers(30, 200))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_plan_there_can_be_renders_harmless_and_within_the_width(plan, width):
    text = render_plan_text(plan, width=width)
    assert not HARMFUL.search(text)
    assert all(columns(row) <= width for row in text.splitlines())
    assert len(render_markdown(plan)) < 65_536


def test_the_schema_refuses_a_plan_with_an_unknown_key():
    assert not validator("plan").is_valid({**plan_document(EVERYDAY), "extra": 1})


@pytest.mark.parametrize(
    "line",
    [
        event_document(Transition("web/2", "healthy", "web-2")),
        event_document(Failure("web/2", "web-2", "was not healthy", exit_code=1, log_lines=("boom",))),
        outcome_event(Outcome(done=1, failed=1, changed=True)),
        plan_event(EVERYDAY),
    ],
)
def test_each_line_of_an_apply_fits_the_schema_of_events(line):
    assert_valid("events", line)


def test_an_event_is_one_line_whatever_is_in_it():
    text = render_json_line(event_document(Transition('a\n"b"', "x\u2028", detail="\x1b")))
    assert text.count("\n") == 1 and len(text.splitlines()) == 1
    assert json.loads(text)["subject"] == 'a\n"b"'


def test_status_hosts_and_problems_fit_their_schemas():
    assert_valid("status", status_document(STATUS))
    assert_valid("hosts", hosts_document(FLEET))
    assert_valid("hosts", hosts_document([HostStatus("web-9", "unix:///x", reachable=False)]))
    assert_valid("problems", problems_document([Problem("bad", Source("a.yaml", 3)), Problem("nowhere")]))


def test_a_plan_says_whether_it_changes_anything_and_is_complete():
    document = plan_document(Plan("shop", (HostSummary("web-1", False, "gone"),)))
    assert (document["changes"], document["complete"]) == (False, False)


def test_a_secret_value_has_no_json():
    with pytest.raises(TypeError):
        to_json({"password": SecretValue(b"hunter2")})


def test_a_hidden_change_carries_no_value():
    (change,) = [c for c in plan_document(HOSTILE)["apps"][0]["fields"] if c["secret"]]
    assert (change["old"], change["new"]) == (None, None)
