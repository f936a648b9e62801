"""Every field of the schema: set, changed and removed, on real engines and on a fake one.

One run carries one app for each field through all its values; each field is then a test of its own.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from declare.flow.plan import Planned
from declare.model.canonical import Json
from declare.model.event import Outcome
from declare.model.fields import FIELDS, Forces
from declare.model.inventory import PortRange
from declare.model.plan import Action, AppChange
from tests.acceptance.cases import ABSENT, Case, app_with, expected, schema_paths, top_level
from tests.acceptance.fields import CASES
from tests.acceptance.project import Project
from tests.fake_engine import FakeEngine
from tests.fleet import Fleet
from tests.fleet.clean import clean
from tests.fleet.foreign import check_foreigners, settle_foreigners

OPINIONATED = "declare-test/opinionated:1"
SECRETS = {"s1": {"env": "S1"}, "s2": {"env": "S2"}}
SET, CHANGED, REMOVED = range(3)
FURNISH = Callable[[Project], Project]

TAKEN = {path: case for path, case in CASES.items() if not case.refused}
REFUSED = {path: case for path, case in CASES.items() if case.refused}
REMOVABLE = [path for path in CASES if path != "image"]


def test_every_field_of_the_schema_has_a_case() -> None:
    assert {path.partition("@")[0] for path in CASES} == set(schema_paths())


def test_every_field_of_the_schema_forces_something() -> None:
    assert set(FIELDS) == {top_level(path) for path in schema_paths()}


def name_of(path: str) -> str:
    """The app of a case."""
    return "".join(letter if letter.isalnum() else "-" for letter in path.replace("[]", "")).replace("_", "-")[:38]


def app_in(path: str, state: int) -> dict[str, Json]:
    case = CASES[path]
    value = (case.value, case.changed, ABSENT if path in REMOVABLE else case.changed)[state]
    return app_with(path, case, value)


def opinionated(path: str, case: Case) -> dict[str, Json] | None:
    """The same field set for the image that has opinions; its own health check stays where the field is about it."""
    value = case.value if case.opinionated is None else case.opinionated
    if value is ABSENT:
        return None
    app = app_with(path, case, value, image=OPINIONATED)
    return {"healthcheck": {"disable": True}} | app if top_level(path) != "placement" else app


def changes_of(app: AppChange) -> dict[str, tuple[Json, Json, Forces]]:
    return {change.path: (change.old, change.new, change.forces) for change in app.fields}


def change_of(planned: Planned, app: str) -> AppChange:
    return next(change for change in planned.plan.apps if change.name == app)


@dataclass(slots=True)
class Phase:
    """One state of all apps: the plan that came first, what its apply did, and the plan after it."""

    first: Planned
    outcome: Outcome
    then: Planned
    inspected: Mapping[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    project: Project
    phases: list[Phase] = field(default_factory=list)

    def bring(self, apps: Mapping[str, Json]) -> Phase:
        self.project.write(apps=apps, secrets=SECRETS)
        phase = Phase(self.project.plan(), self.project.apply(), self.project.plan())
        self.phases.append(phase)
        return phase


@pytest.fixture(scope="module")
def real(fleet: Fleet, furnish: FURNISH, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """All fields that an engine takes, brought through their values on real hosts, all at once."""
    clean(fleet)
    before = settle_foreigners(fleet)
    run = Run(furnish(Project.on_fleet(fleet, tmp_path_factory.mktemp("real"), name="fields")))
    set_once = {f"o-{name_of(path)}": app for path, case in _first_of_each(TAKEN) if (app := opinionated(path, case))}
    for state in (SET, CHANGED, REMOVED):
        phase = run.bring({name_of(path): app_in(path, state) for path in TAKEN} | set_once)
        phase.inspected = inspect_apps(fleet)
    yield run
    clean(fleet)
    check_foreigners(fleet, before)


def _first_of_each(cases: Mapping[str, Case]) -> list[tuple[str, Case]]:
    first: dict[str, tuple[str, Case]] = {}
    for path, case in cases.items():
        first.setdefault(top_level(path), (path, case))
    return list(first.values())


def inspect_apps(fleet: Fleet) -> dict[str, Json]:
    """What the engines hold of each app's first container, without what is declare's own or never the same."""
    found: dict[str, Json] = {}
    for host in fleet.hosts.values():
        ids = host.docker("ps", "--quiet", "--filter", "label=declare.role=replica").split()
        for container in json.loads(host.docker("inspect", *ids)) if ids else ():
            found[container["Config"]["Labels"]["declare.app"]] = _settings_of(container)
    return found


def _settings_of(container: dict[str, Any]) -> Json:
    config, limits = container["Config"], container["HostConfig"]
    labels = {key: value for key, value in config["Labels"].items() if not key.startswith("declare.")}
    hostname = None if container["Id"].startswith(config["Hostname"]) else config["Hostname"]
    config = {**config, "Labels": labels, "Hostname": hostname, "Image": container["Image"]}
    bindings = [bound for each in (limits["PortBindings"] or {}).values() for bound in each]
    fixed = [bound for bound in bindings if int(bound["HostPort"]) < PortRange().first]
    return {"Config": config, "HostConfig": {**limits, "PortBindings": fixed}}


def check_nothing_left(phase: Phase, app: str) -> None:
    failures = [failure for failure in phase.outcome.failures if failure.subject.partition("/")[0] == app]
    assert not failures
    change = change_of(phase.then, app)
    assert (changes_of(change), change.action) == ({}, Action.KEEP)
    assert not [drift for drift in phase.then.plan.drift if drift.subject.partition("/")[0] == app]


@pytest.mark.parametrize("path", TAKEN)
def test_a_field_set_and_applied_leaves_nothing_to_plan(real: Run, path: str) -> None:
    check_nothing_left(real.phases[SET], name_of(path))


@pytest.mark.parametrize("path", TAKEN)
def test_a_changed_field_is_named_with_old_and_new_and_what_it_forces(real: Run, path: str) -> None:
    change = change_of(real.phases[CHANGED].first, name_of(path))
    assert changes_of(change) == expected(path, CASES[path], SET, CHANGED)
    check_nothing_left(real.phases[CHANGED], name_of(path))


@pytest.mark.parametrize("path", [path for path in TAKEN if path in REMOVABLE])
def test_a_removed_field_is_named_with_old_and_what_it_forces(real: Run, path: str) -> None:
    change = change_of(real.phases[REMOVED].first, name_of(path))
    assert changes_of(change) == expected(path, CASES[path], CHANGED, REMOVED)
    check_nothing_left(real.phases[REMOVED], name_of(path))


@pytest.mark.parametrize("path", [path for path, _ in _first_of_each(TAKEN)])
def test_a_field_set_against_an_images_own_opinions_leaves_nothing_to_plan(real: Run, path: str) -> None:
    for phase in real.phases:
        if opinionated(path, CASES[path]):
            check_nothing_left(phase, f"o-{name_of(path)}")


@pytest.mark.parametrize("state", (SET, CHANGED, REMOVED))
def test_a_plan_after_an_apply_of_every_field_is_empty(real: Run, state: int) -> None:
    assert not real.phases[state].outcome.failures
    assert real.phases[state].then.plan.is_empty


@pytest.mark.parametrize(
    "path",
    [path for path, case in TAKEN.items() if not case.untold and expected(path, case, SET, CHANGED)
     and Forces.REPLACE in {forces for _, _, forces in expected(path, case, SET, CHANGED).values()}],
)  # fmt: skip
def test_an_engine_holds_what_a_field_says(real: Run, path: str) -> None:
    """The label says it too: that alone would also be true of a field that no engine was ever told."""
    before, after = (real.phases[state].inspected[name_of(path)] for state in (SET, CHANGED))
    assert before != after


@pytest.fixture(scope="module")
def refused(fleet: Fleet, furnish: FURNISH, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The fields that the engines of this fleet can't do, or can on another kernel, asked for all at once."""
    clean(fleet)
    run = Run(furnish(Project.on_fleet(fleet, tmp_path_factory.mktemp("refused"), name="refused")))
    run.bring({name_of(path): app_in(path, SET) for path in REFUSED})
    yield run
    clean(fleet)


@pytest.mark.parametrize("path", REFUSED)
def test_an_engine_takes_a_field_or_says_why_not(refused: Run, path: str) -> None:
    phase, app = refused.phases[SET], name_of(path)
    said = [failure.reason for failure in phase.outcome.failures if failure.subject.partition("/")[0] == app]
    if said:
        assert REFUSED[path].refused in said[0]
        assert change_of(phase.then, app).action is Action.CREATE
    else:
        check_nothing_left(phase, app)


@pytest.fixture
def imagined(furnish: FURNISH, tmp_path: Path) -> Run:
    """A project on three engines in memory, which take every field."""
    fakes = [FakeEngine(f"h{n}", f"127.0.0.{n}", id=f"ENGINE-{n}") for n in (1, 2, 3)]
    return Run(furnish(Project.on_fakes(tmp_path / "project", *fakes)))


@pytest.mark.parametrize("path", CASES)
def test_every_field_goes_through_its_values_on_an_engine_that_takes_all(imagined: Run, path: str) -> None:
    app = name_of(path)
    for state in (SET, CHANGED, REMOVED) if path in REMOVABLE else (SET, CHANGED):
        phase = imagined.bring({app: app_in(path, state)})
        if state != SET:
            assert changes_of(change_of(phase.first, app)) == expected(path, CASES[path], state - 1, state)
        check_nothing_left(phase, app)
        assert phase.then.plan.is_empty


@pytest.mark.parametrize(
    ("path", "form"),
    [pytest.param(path, form, id=f"{path}={form}") for path, case in CASES.items() for form in case.same],
)
def test_all_ways_to_write_a_value_mean_the_same(furnish: FURNISH, tmp_path: Path, path: str, form: Json) -> None:
    project = furnish(Project.on_fakes(tmp_path / "project", FakeEngine()))

    def read(value: Json) -> Mapping[str, Json]:
        project.write(apps={"app": app_with(path, CASES[path], value)}, secrets=SECRETS)
        return project.open().desired.apps[0].spec

    assert read(form) == read(CASES[path].value)
