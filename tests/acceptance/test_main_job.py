"""Manifests in, plan out, applied to real hosts behind nginx."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.project import Project
from tests.acceptance.shop import APPS, WEB, ask, containers, make_shop, names, proxied
from tests.fleet import Fleet
from tests.fleet.fronts import Fronts


@pytest.fixture
def shop(clean_fleet: Fleet, tmp_path: Path) -> Project:
    return make_shop(clean_fleet, tmp_path)


@pytest.fixture
def fronts(clean_fleet: Fleet) -> Iterator[Fronts]:
    with Fronts(clean_fleet) as fronts:
        yield fronts


def volumes(fleet: Fleet) -> list[str]:
    return [name for host in fleet.hosts.values() for name in host.docker("volume", "ls", "-q").split()]


def put_before_engines(shop: Project, fronts: Fronts) -> None:
    for name, proxy in fronts.proxies.items():
        shop.hosts[name]["engine"] = proxy.url
    shop.write(inventory=proxied("h1"))


def test_apps_of_every_kind_must_apply_in_one_run(shop: Project, clean_fleet: Fleet) -> None:
    outcome = shop.apply()
    assert outcome.exit_code == 0, outcome
    found = containers(clean_fleet)
    assert sum("web" in name for name in names(clean_fleet)) == 3
    assert all(any(name.startswith("shop-agent") for name in listed) for listed in found.values())
    assert all(any(name.startswith("shop-web") for name in listed) for listed in found.values())


def test_a_route_must_answer_from_every_replica(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    proxy = clean_fleet.hosts["h1"].address
    answers = {json.loads(ask(proxy)[1])["hostname"] for _ in range(30)}
    assert len(answers) == 3
    assert ask(proxy, host="nobody.test")[0] == 404


def test_a_second_plan_must_find_nothing_and_write_nothing(shop: Project, fronts: Fronts) -> None:
    put_before_engines(shop, fronts)
    shop.apply()
    fronts.journal.forget()
    done = shop.run("plan", "--detailed-exitcode")
    assert done.exit_code == 0, done.stdout
    assert "Nothing to do" in done.stdout
    assert fronts.journal.requests and not fronts.journal.writes


def test_a_second_apply_must_write_nothing(shop: Project, fronts: Fronts) -> None:
    put_before_engines(shop, fronts)
    shop.apply()
    fronts.journal.forget()
    assert shop.run("apply", "--yes").exit_code == 0
    assert not fronts.journal.writes


def test_an_app_that_left_the_manifests_must_go_after_the_plan_said_so(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    shop.write(apps={name: app for name, app in APPS.items() if name != "echo"})
    told = shop.run("plan").stdout
    assert "echo" in told and "1 to remove" in told
    assert shop.apply().exit_code == 0
    assert not [name for name in names(clean_fleet) if "echo" in name]
    assert shop.plan().plan.is_empty


def test_destroy_must_leave_nothing_but_volumes(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    done = shop.run("destroy", "--yes")
    assert done.exit_code == 0, done.stderr
    for host in clean_fleet.hosts.values():
        assert not host.docker("ps", "-aq", "--filter", "label=declare.project=shop").split()
    assert volumes(clean_fleet).count("shop_data") == 1


def test_destroy_with_volumes_must_leave_nothing(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    assert shop.run("destroy", "--yes", "--volumes").exit_code == 0
    assert "shop_data" not in volumes(clean_fleet)


def test_scaling_down_must_take_the_highest_replicas(shop: Project, clean_fleet: Fleet) -> None:
    shop.apply()
    shop.write(apps={**APPS, "web": {**WEB, "replicas": 1}})
    assert shop.apply().exit_code == 0
    assert [name for name in names(clean_fleet) if "web" in name] == ["shop-web-1-1"]
    assert ask(clean_fleet.hosts["h1"].address)[0] == 200


def test_no_replica_must_answer_503_at_once(shop: Project, clean_fleet: Fleet) -> None:
    shop.write(apps={"web": {**WEB, "replicas": 0}})
    assert shop.apply().exit_code == 0
    assert ask(clean_fleet.hosts["h1"].address)[0] == 503


def test_a_secret_must_reach_the_container_and_nothing_else(shop: Project, clean_fleet: Fleet) -> None:
    canary = "canary-7f3a9"
    shop.environment["DB_PASSWORD"] = canary
    secrets = {"password": {"env": "DB_PASSWORD"}}
    shop.write(apps={"web": {**WEB, "secrets": ["password"]}}, secrets=secrets)
    done = shop.run("apply", "--yes")
    assert done.exit_code == 0, done.stderr
    proxy = clean_fleet.hosts["h1"].address
    assert ask(proxy, "/file?path=/run/secrets/password")[1].strip() == canary
    told = [done.stdout, done.stderr, shop.run("plan", "--json").stdout, shop.run("status", "--json").stdout]
    seen = [host.docker("inspect", *host.docker("ps", "-aq").split()) for host in clean_fleet.hosts.values()]
    assert not [text for text in told + seen if canary in text]


def test_a_changed_secret_must_replace_without_being_shown(shop: Project) -> None:
    shop.environment["DB_PASSWORD"] = "first-value-1"
    secrets = {"password": {"env": "DB_PASSWORD"}}
    shop.write(apps={"web": {**WEB, "secrets": ["password"]}}, secrets=secrets)
    shop.apply()
    shop.environment["DB_PASSWORD"] = "second-value-2"
    told = shop.run("plan").stdout
    assert "(secret changed)" in told and "value" not in told
    assert shop.apply().exit_code == 0
    assert shop.plan().plan.is_empty
