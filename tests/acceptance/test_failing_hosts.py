"""Whoever is killed, cut off or in the way: the next apply converges, and every exit code tells the truth."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.project import Project
from tests.acceptance.shop import APPS, WEB, ask, containers, make_shop, names
from tests.fleet import Fleet


@pytest.fixture
def shop(clean_fleet: Fleet, tmp_path: Path) -> Project:
    return make_shop(clean_fleet, tmp_path, apps={"web": WEB})


def eventually(holds: Callable[[], bool], *, within: float = 30) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.02)


@pytest.mark.parametrize("steps", [1, 4, 8])
def test_a_killed_apply_must_be_finished_by_the_next_one(shop: Project, clean_fleet: Fleet, steps: int) -> None:
    shop.apply()
    shop.write(apps={**APPS, "web": {**WEB, "image": "declare-test/web:2", "replicas": 5}})
    process = shop.start("apply", "--yes", "--json")
    assert process.stdout
    for _ in range(steps):
        process.stdout.readline()
    process.kill()
    process.wait()
    done = shop.run("apply", "--yes", "--lock-timeout", "60s")
    assert done.exit_code == 0, done.stderr
    assert shop.plan().plan.is_empty
    web = [name for name in names(clean_fleet, states="--no-trunc") if "web" in name]
    assert len(web) == 5
    assert [name for name in names(clean_fleet) if "web" in name] == web
    for host in clean_fleet.hosts.values():
        assert not host.docker("ps", "-aq", "--filter", "name=shop.lock").split()


def test_a_dead_host_must_be_named_and_the_others_applied(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    dead = clean_fleet.hosts["h3"]
    dead.kill()
    told = shop.run("plan")
    assert told.exit_code == 0
    assert "Incomplete: h3 did not answer" in told.stdout
    shop.write(apps={"web": WEB, "agent": APPS["agent"]})
    done = shop.run("apply", "--yes")
    assert done.exit_code == 3, done.stderr
    assert "h3" in done.stderr
    found = containers(clean_fleet_without(clean_fleet, "h3"))
    assert all("shop-agent" in " ".join(listed) for listed in found.values())


def clean_fleet_without(fleet: Fleet, name: str) -> Fleet:
    return replace(fleet, hosts={host.name: host for host in fleet.hosts.values() if host.name != name})


def test_an_apply_that_only_lacks_a_dead_host_must_exit_1(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    clean_fleet.hosts["h3"].kill()
    done = shop.run("apply", "--yes")
    assert done.exit_code == 1, done.stderr + done.stdout
    assert "h3" in done.stderr


def test_the_replicas_of_a_lost_host_must_move_on_the_operators_word(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    before = names(clean_fleet, states="--no-trunc")
    clean_fleet.hosts["h3"].kill()
    done = shop.run("apply", "--yes", "--lost", "h3")
    assert done.exit_code == 0, done.stderr
    rest = clean_fleet_without(clean_fleet, "h3")
    moved = [name for name in names(rest, states="--no-trunc") if name not in before]
    assert len(moved) == 1
    answers = {json.loads(ask(rest.hosts["h1"].address)[1])["hostname"] for _ in range(20)}
    assert len(answers) == 3


def test_what_a_returned_host_still_runs_must_be_removed(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    lost = clean_fleet.hosts["h3"]
    lost.kill()
    assert shop.run("apply", "--yes", "--lost", "h3").exit_code == 0
    lost.boot()
    eventually(lambda: bool(lost.docker("ps", "-q", "--filter", "label=declare.app=web").split()))
    done = shop.run("apply", "--yes")
    assert done.exit_code == 0, done.stderr
    assert len([name for name in names(clean_fleet) if "web" in name]) == 3
    assert shop.plan().plan.is_empty


def test_a_host_that_answers_must_not_be_given_up(shop: Project) -> None:
    shop.apply()
    refused = shop.run("apply", "--yes", "--lost", "h3")
    assert refused.exit_code == 1
    assert "h3 is not lost" in refused.stderr


def test_a_hung_engine_must_not_hold_up_the_others(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    clean_fleet.hosts["h2"].pause()
    started = time.monotonic()
    told = shop.run("plan")
    assert time.monotonic() - started < 15
    assert told.exit_code == 0 and "h2" in told.stdout


def test_of_two_applies_the_second_must_wait_or_name_the_first(shop: Project) -> None:
    shop.apply()
    shop.write(apps={"web": {**WEB, "image": "declare-test/web:2", "update": {"settle": "2s"}}})
    first = shop.start("apply", "--yes", "--json")
    assert first.stdout
    first.stdout.readline()
    refused = shop.run("apply", "--yes", "--lock-timeout", "0s")
    assert refused.exit_code == 1, refused.stderr
    assert "@" in refused.stderr and "unlock" in refused.stderr
    waited = shop.run("apply", "--yes", "--lock-timeout", "60s")
    assert waited.exit_code == 0, waited.stderr
    assert first.wait(60) == 0
    assert shop.plan().plan.is_empty


def test_ctrl_c_must_finish_the_step_in_hand_and_unlock(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    shop.write(apps={"web": {**WEB, "image": "declare-test/web:2", "update": {"settle": "2s"}}})
    process = shop.start("apply", "--yes", "--json")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    for host in clean_fleet.hosts.values():
        assert not host.docker("ps", "-aq", "--filter", "name=shop.lock").split()
    assert len([n for n in names(clean_fleet, states="--no-trunc") if "web" in n]) == 3
    assert shop.run("apply", "--yes").exit_code == 0
    assert shop.plan().plan.is_empty


def test_a_saved_plan_must_be_refused_once_the_fleet_has_moved(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    shop.write(apps={"web": {**WEB, "image": "declare-test/web:2"}})
    assert shop.run("plan", "--out", "plan.json").exit_code == 0
    host = clean_fleet.hosts["h1"]
    container = host.docker("ps", "-q", "--filter", "label=declare.app=web").split()[0]
    host.docker("rm", "-f", container)
    refused = shop.run("apply", "plan.json", "--yes")
    assert refused.exit_code == 1 and "changed" in refused.stderr, refused.stderr


def test_a_saved_plan_must_do_exactly_what_it_said(shop: Project) -> None:
    shop.apply()
    shop.write(apps={"web": {**WEB, "image": "declare-test/web:2"}})
    assert shop.run("plan", "--out", "plan.json").exit_code == 0
    shop.write(apps={"web": {**WEB, "image": "declare-test/web:3"}})
    done = shop.run("apply", "plan.json", "--yes")
    assert done.exit_code == 0, done.stderr
    assert {change.fields[0].old for change in shop.plan().plan.apps if change.fields} == {"declare-test/web:2"}


_LISTEN = """
import socket, sys, time
with socket.create_server((sys.argv[1], int(sys.argv[2]))):
    print("listening", flush=True)
    time.sleep(120)
"""


def test_a_port_that_a_stranger_holds_must_be_replaced_by_the_next(shop: Project, clean_fleet: Fleet) -> None:
    planned = {r.new.host: r.new.bindings[0].host_port for app in shop.plan().plan.apps for r in app.replicas if r.new}
    host = clean_fleet.hosts["h2"]
    port = planned["h2"]
    listener = subprocess.Popen([*host.enter(), sys.executable, "-c", _LISTEN, host.address, str(port)], stdout=-1)
    assert listener.stdout and listener.stdout.readline()
    try:
        outcome = shop.apply()
        assert outcome.exit_code == 0, outcome
        taken = host.docker("ps", "--filter", "label=declare.app=web", "--format", "{{.Ports}}")
        assert f":{port}->" not in taken
        assert ask(clean_fleet.hosts["h1"].address)[0] == 200
    finally:
        listener.kill()
        listener.wait()
