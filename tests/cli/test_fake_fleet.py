"""The verbs through every room, down to engines in memory."""

import json
import stat

import pytest

from tests.acceptance.project import Project
from tests.fake_engine import FakeEngine, FakeImage, FakeReader, FakeWriter

QUICK = {"settle": "0s", "drain": "0s"}
APPS = {"web": {"image": "web:1", "replicas": 3, "update": QUICK}, "job": {"image": "web:1", "update": QUICK}}


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    engines = {
        name: FakeEngine(
            host=name, address=f"127.0.0.{n}", id=f"ENGINE-{n}", images={"web:1": FakeImage("sha256:" + "1" * 64)}
        )
        for n, name in enumerate(("h1", "h2", "h3"), start=1)
    }
    monkeypatch.setattr("declare.engine.connect.open_reader", lambda host: FakeReader(engines[host.name]))
    monkeypatch.setattr("declare.engine.connect.open_writer", lambda host: FakeWriter(engines[host.name]))
    project = Project.on_fakes(tmp_path, *engines.values(), name="shop")
    project.write(apps=APPS)
    monkeypatch.chdir(tmp_path)
    return engines


@pytest.fixture
def applied(fleet, declare):
    ended = declare("apply", "--yes")
    assert ended.code == 0, ended.err
    return fleet


@pytest.mark.usefixtures("applied")
def test_after_an_apply_there_is_nothing_to_do(declare):
    ended = declare("plan", "--detailed-exitcode")
    assert ended.code == 0 and "Nothing to do: 2 apps are as declared, on 3 hosts." in ended.out


@pytest.mark.usefixtures("applied")
def test_status_and_hosts_show_what_runs(declare):
    status = json.loads(declare("status", "--json").out)
    assert {app["name"]: app["desired"] for app in status["apps"]} == {"job": 1, "web": 3}
    assert all(replica["state"] == "running" for app in status["apps"] for replica in app["replicas"])
    assert "2 of 2 apps at full strength." in declare("status").out
    hosts = json.loads(declare("hosts", "--json").out)["hosts"]
    assert sum(host["ours"] for host in hosts) == 4


@pytest.mark.usefixtures("fleet")
def test_a_saved_plan_is_private_and_applies_once(declare, tmp_path):
    assert declare("plan", "--out", "plan.json").out.endswith("To apply exactly this plan: declare apply plan.json\n")
    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o600
    assert declare("apply", "plan.json", "--yes").code == 0
    again = declare("apply", "plan.json", "--yes")
    assert again.code == 1 and "has changed since this plan was made" in again.err


@pytest.mark.usefixtures("applied")
def test_a_tampered_plan_is_refused(declare, tmp_path):
    (tmp_path / "plan.json").write_text('{"format": "declare.plan/1"}')
    ended = declare("apply", "plan.json", "--yes")
    assert ended.code == 1 and "plan.json is not a plan" in ended.err


def test_a_restart_replaces_every_replica_of_that_app_only(applied, declare):
    def ids(app: str) -> set[str]:
        found = (container for engine in applied.values() for container in engine.containers.values())
        return {container.id for container in found if container.name.startswith(f"shop-{app}-")}

    web, job = ids("web"), ids("job")
    assert declare("restart", "web", "--yes").code == 0
    assert len(ids("web")) == 3 and not ids("web") & web and ids("job") == job
    assert "Nothing to do" in declare("plan").out


def test_destroy_leaves_nothing_of_the_project(applied, declare):
    ended = declare("destroy", "--yes")
    assert ended.code == 0, ended.err
    assert not any(engine.containers for engine in applied.values())


def test_a_silent_host_is_named_and_the_exit_code_is_honest(applied, declare):
    applied["h2"].down = "connection refused"
    plan = declare("plan", "--detailed-exitcode")
    assert plan.code == 0 and "h2  UNREACHABLE" in plan.out
    assert declare("apply", "--yes").code == 1


@pytest.mark.usefixtures("applied")
def test_an_unknown_lock_is_refused(declare):
    ended = declare("unlock", "abc")
    assert ended.code == 1 and "abc" in ended.err
