"""A plan in a file: read back as it was written, or refused."""

import hashlib
import json
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from declare.flow.plan import Planned, PlanRequest
from declare.flow.project import ProjectOptions, open_project
from declare.flow.saved import NotAPlan, plan_again, read_plan, with_saved, write_plan
from declare.load.schema import read_schema
from declare.model.canonical import Json, canonical_json
from declare.model.errors import DeclareError, InputError, PlanStale
from declare.model.observed import Observed
from declare.model.plan import Plan
from tests.execute.world import World, app, routed

FIELDS = read_schema("manifest")["$defs"]["app"]["properties"]
specs = st.fixed_dictionaries(
    {"image": st.just("x")},
    optional={n: st.sampled_from(f["examples"]) for n, f in FIELDS.items() if n not in ("image", "env_file")},
)
ALL = ["privileged", "host_namespaces", "devices", "host_paths", "docker_socket", "capabilities", "low_ports"]
MORE = {
    "volumes": {"data": {"driver": "local", "driver_opts": {"type": "tmpfs"}}},
    "secrets": {"db_password": {"command": ["op", "read", "x"]}, "tls_key": {"file": "key"}, "one": {"env": "ONE"}},
}


@given(st.lists(specs, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_desired_state_comes_back_equal(apps):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hosts = {"h1": {"engine": "tcp://127.0.0.1:1", "address": "127.0.0.1", "insecure": True}}
        (folder / "inventory.yaml").write_text(json.dumps({"project": "shop", "hosts": hosts, "allow": ALL}))
        (folder / "apps").mkdir()
        declared = {f"app-{n}": spec for n, spec in enumerate(apps)}
        (folder / "apps" / "a.yaml").write_text(json.dumps({"apps": declared, **MORE}))
        try:
            project = open_project(ProjectOptions(inventory=str(folder / "inventory.yaml")))
        except InputError:
            return
        request = PlanRequest(apps=("app-0",), lost=("h9",), prune=True, allow_removal=3, restart=("app-0",))
        planned = Planned(Plan("shop", ()), project, request, Observed())
        write_plan(folder / "plan.json", planned)
        saved = read_plan(folder / "plan.json")
        assert saved.desired == project.desired
        assert (saved.request, saved.whole) == (request, True)


def save(world: World, **options) -> Path:
    path = world.project.folder / "plan.json"
    write_plan(path, world.plan(**options))
    return path


def again(world: World, path: Path) -> Planned:
    saved = read_plan(path)
    return plan_again(saved, with_saved(world.open(), saved))


def test_a_saved_plan_is_made_again_from_the_file_alone(world: World):
    world.declare({"web": routed(replicas=3)}, proxies=["h1"])
    planned = world.plan()
    path = save(world)
    world.project.manifest.write_text("apps: {}")
    found = again(world, path)
    assert found.desired == planned.desired and [a.name for a in found.plan.apps] == ["web"]
    assert world.execute(found, exactly=True).exit_code == 0
    assert len(world.served("web")) == 3


def test_the_file_is_its_owners_and_never_half_written(world: World, monkeypatch):
    world.declare({"web": app()})
    path = save(world)
    before = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("declare.flow.saved.json.dump", fail)
    with pytest.raises(OSError, match="disk full"):
        save(world)
    assert path.read_bytes() == before and sorted(world.project.folder.glob("*plan*")) == [path]


def test_it_holds_no_secret(world: World):
    world.project.environment["PW"] = "hunter2"
    world.declare({"web": app(secrets=["password"])}, secrets={"password": {"env": "PW"}})
    assert "hunter2" not in save(world).read_text()


TAMPERED = {
    "another image": lambda text: text.replace("web:1", "web:2"),
    "another checksum": lambda text: text.replace('"sha256": "', '"sha256": "0'),
    "another format": lambda text: text.replace("declare.saved-plan/1", "declare.saved-plan/2"),
    "cut off": lambda text: text[:-20],
    "empty": lambda _: "",
    "a list": lambda _: "[]",
    "a number": lambda _: "1",
    "a plan that is a list": lambda text: json.dumps({**json.loads(text), "plan": []}),
    "binary": lambda _: "\0\1",
    "deep": lambda _: "[" * 100_000,
}


@pytest.mark.parametrize("how", TAMPERED)
def test_an_altered_file_is_refused(world: World, how):
    world.declare({"web": app()})
    path = save(world)
    path.write_text(TAMPERED[how](path.read_text()))
    with pytest.raises(NotAPlan):
        read_plan(path)


@pytest.mark.parametrize("part", ["request", "desired", "inventory", "whole", "plan_digest", "inventory_digest"])
def test_a_forged_file_with_a_right_checksum_is_refused_without_a_traceback(world: World, part):
    world.declare({"web": app()})
    path = save(world)
    forged: tuple[Json, ...] = ([], 1, None, {"apps": [], "unknown": 1})
    for value in forged:
        outer = json.loads(path.read_text())
        outer["plan"][part] = value
        outer["sha256"] = hashlib.sha256(canonical_json(outer["plan"]).encode()).hexdigest()
        path.write_text(json.dumps(outer))
        with pytest.raises(DeclareError):
            again(world, path)
        path.unlink()
        save(world)


def test_a_folder_or_a_missing_file_is_no_plan(tmp_path: Path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(NotAPlan):
            read_plan(path)


def test_a_changed_inventory_makes_a_plan_stale(world: World):
    world.declare({"web": app()})
    path = save(world)
    world.declare({"web": app()}, ports="21000-21999")
    with pytest.raises(PlanStale, match="has changed"):
        again(world, path)


def test_a_changed_fleet_makes_a_plan_stale(world: World):
    world.declare({"web": app()})
    path = save(world)
    world.apply()
    with pytest.raises(PlanStale, match="fleet has changed"):
        again(world, path)


def test_a_changed_secret_makes_a_plan_stale(world: World):
    world.project.environment["PW"] = "hunter2"
    world.declare({"web": app(secrets=["password"])}, secrets={"password": {"env": "PW"}})
    world.apply()
    world.project.environment["PW"] = "hunter3"
    path = save(world)
    assert again(world, path)
    world.project.environment["PW"] = "hunter4"
    with pytest.raises(PlanStale):
        again(world, path)


def test_what_does_not_matter_makes_no_plan_stale(world: World):
    world.declare({"web": app()})
    path = save(world)
    world.hosts["h1"].images["other:1"] = world.hosts["h1"].images["web:3"]
    world.hosts["h2"].clock_offset = 3.0
    assert again(world, path)
