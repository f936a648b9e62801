"""The manifest's top-level secrets and volumes: changed, they are named by the plans of the apps that use them."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from declare.flow.plan import Planned
from declare.model.canonical import Json
from declare.model.observed import Volume
from declare.model.plan import Action
from tests.acceptance.cases import BASE
from tests.acceptance.project import ROOT, Project
from tests.fake_engine import FakeEngine

SECRET: Json = {"env": "S1"}

SECRETS: Mapping[str, tuple[Json, Json]] = {
    "env": ({"env": "S1_AGAIN"}, {"env": "S2"}),
    "file": ({"file": "one.txt"}, {"file": "two.txt"}),
    "command": ({"command": ["cat", "one.txt"]}, {"command": "cat two.txt"}),
}
"""By field: another source of the same value, and one of another value."""

NAMES = {"name": ({"name": "other"}, "other"), "external": ({"external": True}, "data")}
FIXED = {
    "driver": {"driver": "other"},
    "driver_opts": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}},
    "labels": {"labels": {"team": "a"}},
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project.on_fakes(tmp_path / "project", FakeEngine(volumes={"data": Volume()}))
    found.environment |= {"S1": "one", "S1_AGAIN": "one", "S2": "two"}
    write(found)
    for name in ("one", "two"):
        (found.folder / f"{name}.txt").write_text(name)
    assert found.apply().reached
    return found


def write(project: Project, *, secret: Json = SECRET, volume: Json = None) -> None:
    app = {**BASE, "secrets": ["it"], "volumes": ["data:/data"]}
    project.write(apps={"app": app}, secrets={"it": secret}, volumes={"data": volume})


def fields_of(planned: Planned) -> list[tuple[str, Json, Json, bool]]:
    (app,) = planned.plan.apps
    return [(change.path, change.old, change.new, change.secret) for change in app.fields]


def test_every_field_of_a_definition_is_tested() -> None:
    schema = json.loads((ROOT / "schemas" / "manifest.schema.json").read_text())["$defs"]
    assert set(schema["secret"]["properties"]) == set(SECRETS)
    assert set(schema["volume"]["anyOf"][1]["properties"]) == set(NAMES) | set(FIXED)


@pytest.mark.parametrize("field", SECRETS)
def test_a_secret_from_another_source_is_no_difference(project: Project, field: str) -> None:
    write(project, secret=SECRETS[field][0])
    assert project.plan().plan.is_empty


@pytest.mark.parametrize("field", SECRETS)
def test_a_secrets_new_value_replaces_and_is_not_shown(project: Project, field: str) -> None:
    write(project, secret=SECRETS[field][1])
    assert fields_of(project.plan()) == [("secrets.it", None, None, True)]
    assert project.apply().reached
    assert project.plan().plan.is_empty


@pytest.mark.parametrize("field", NAMES)
def test_a_volume_of_another_name_replaces_the_containers(project: Project, field: str) -> None:
    definition, name = NAMES[field]
    write(project, volume=definition)
    planned = project.plan()
    assert fields_of(planned) == [("volumes.data.name", None, name, False)]
    assert planned.plan.apps[0].action is Action.REPLACE
    assert project.apply().reached
    assert project.plan().plan.is_empty
    write(project)
    assert fields_of(project.plan()) == [("volumes.data.name", name, None, False)]


@pytest.mark.parametrize("field", FIXED)
def test_a_volume_that_is_there_already_can_not_be_changed_in_silence(project: Project, field: str) -> None:
    write(project, volume=FIXED[field])
    (app,) = project.plan().plan.apps
    assert app.fields or app.warnings or project.plan().plan.warnings
