"""A change replaces what it must, serves all the while, and goes back whole when it fails."""

import json
from pathlib import Path

import pytest

from tests.acceptance.project import Project
from tests.acceptance.shop import APPS, DOMAIN, WEB, ask, make_shop, names
from tests.fleet import Fleet
from tests.fleet.load import Load


@pytest.fixture
def shop(clean_fleet: Fleet, tmp_path: Path) -> Project:
    project = make_shop(clean_fleet, tmp_path, apps={"web": WEB})
    assert project.apply().exit_code == 0
    return project


def test_a_new_image_must_replace_start_first_without_a_failed_request(shop: Project, clean_fleet: Fleet) -> None:
    proxy = clean_fleet.hosts["h1"].address
    shop.write(apps={"web": {**WEB, "image": "declare-test/web:2"}})
    assert "start-first" in shop.run("plan").stdout
    with Load((proxy, 80), host=DOMAIN, rate=60) as load:
        outcome = shop.apply()
    assert outcome.exit_code == 0, outcome
    load.check()
    assert {json.loads(ask(proxy)[1])["version"] for _ in range(12)} == {"2"}
    assert names(clean_fleet) == ["shop-web-1-2", "shop-web-2-2", "shop-web-3-2"]
    assert shop.plan().plan.is_empty


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"image": "declare-test/broken:1"}, "crashed"),
        ({"environment": {"HEALTH_STATUS": "503"}}, "503"),
        ({"environment": {"CRASH_AFTER": "1"}}, "crashed"),
    ],
)
def test_a_failed_change_must_leave_the_old_version_serving(
    shop: Project, clean_fleet: Fleet, broken: dict[str, object], says: str
) -> None:
    before = names(clean_fleet, states="--no-trunc")
    shop.write(apps={"web": {**WEB, **broken, "update": {"settle": "3s", "healthy_within": "4s"}}})
    with Load((clean_fleet.hosts["h1"].address, 80), host=DOMAIN, rate=30) as load:
        done = shop.run("apply", "--yes")
    assert done.exit_code == 3, done.stderr
    assert says in done.stderr and "web is as it was" in done.stderr
    assert names(clean_fleet, states="--no-trunc") == before
    load.check()


def test_an_image_that_nobody_has_must_change_nothing(shop: Project, clean_fleet: Fleet) -> None:
    before = names(clean_fleet)
    shop.write(apps={"web": {**WEB, "image": "declare-test/nowhere:1"}})
    done = shop.run("apply", "--yes")
    assert done.exit_code == 1, done.stderr
    assert "declare-test/nowhere:1" in done.stderr
    assert names(clean_fleet) == before


def test_a_replica_that_fails_once_others_were_replaced_must_take_all_back(shop: Project, clean_fleet: Fleet) -> None:
    """The second replica lands on a host whose image was made to fail."""
    shop.write(apps={"web": {**WEB, "environment": {"HEALTH_STATUS": "${WEB_2:-200}"}}})
    hosts = {replica.replica: replica.old.host for replica in shop.plan().plan.apps[0].replicas if replica.old}
    blocked = clean_fleet.hosts[hosts["2"]]
    blocked.exec("iptables", "-I", "FORWARD", "-p", "tcp", "--dport", "8000", "-j", "DROP")
    blocked.exec("iptables", "-I", "OUTPUT", "-p", "tcp", "--dport", "8000", "-j", "DROP")
    try:
        shop.write(apps={"web": {**WEB, "image": "declare-test/web:2", "update": {"healthy_within": "4s"}}})
        done = shop.run("apply", "--yes")
    finally:
        blocked.exec("iptables", "-D", "FORWARD", "-p", "tcp", "--dport", "8000", "-j", "DROP")
        blocked.exec("iptables", "-D", "OUTPUT", "-p", "tcp", "--dport", "8000", "-j", "DROP")
    assert done.exit_code == 3, done.stderr
    assert "web/1 put back" in done.stderr
    assert names(clean_fleet, states="--no-trunc") == ["shop-web-1-1", "shop-web-2-1", "shop-web-3-1"]
    answers = {json.loads(ask(clean_fleet.hosts["h1"].address)[1])["version"] for _ in range(12)}
    assert answers == {"1"}


def test_the_next_success_must_remove_what_failed_before(shop: Project, clean_fleet: Fleet) -> None:
    shop.write(apps={"web": {**WEB, "image": "declare-test/broken:1"}})
    assert shop.apply().exit_code == 3
    assert [name for name in names(clean_fleet) if name.endswith(".failed")]
    shop.write(apps={"web": {**WEB, "image": "declare-test/web:2"}})
    assert shop.apply().exit_code == 0
    assert not [name for name in names(clean_fleet) if name.endswith(".failed")]


def test_going_back_to_what_serves_must_be_nothing_to_do(shop: Project) -> None:
    shop.write(apps={"web": {**WEB, "image": "declare-test/broken:1"}})
    assert shop.apply().exit_code == 3
    shop.write(apps={"web": WEB})
    assert shop.plan().plan.is_empty


def test_a_database_must_be_stopped_before_its_replacement_starts(clean_fleet: Fleet, tmp_path: Path) -> None:
    shop = make_shop(clean_fleet, tmp_path, apps={"db": APPS["db"]})
    shop.apply()
    shop.write(apps={"db": {**APPS["db"], "image": "declare-test/web:2"}})
    told = shop.run("plan").stdout
    assert "stops first" in told and "volume data" in told
    assert shop.apply().exit_code == 0
    states = [
        event.state for event in shop.events if getattr(event, "subject", "") == "db/1" and hasattr(event, "state")
    ]
    assert states.index("stopped") < states.index("started")


def test_a_volumes_data_must_outlive_its_replacement(clean_fleet: Fleet, tmp_path: Path) -> None:
    shop = make_shop(clean_fleet, tmp_path, apps={"db": APPS["db"]})
    shop.apply()
    hosts = clean_fleet.hosts.values()
    host = next(host for host in hosts if "shop_data" in host.docker("volume", "ls", "-q").split())
    host.docker("run", "--rm", "-v", "shop_data:/data", "declare-test/busybox:1", "sh", "-c", "echo kept > /data/row")
    shop.write(apps={"db": {**APPS["db"], "image": "declare-test/web:2"}})
    assert shop.apply().exit_code == 0
    read = host.docker("run", "--rm", "-v", "shop_data:/data", "declare-test/busybox:1", "cat", "/data/row")
    assert read.strip() == "kept"


def test_applying_one_app_must_keep_the_others_in_nginx(clean_fleet: Fleet, tmp_path: Path) -> None:
    blog = {**WEB, "replicas": 1, "routes": ["blog.test"]}
    shop = make_shop(clean_fleet, tmp_path, apps={"web": WEB, "blog": blog})
    shop.apply()
    shop.write(apps={"web": {**WEB, "image": "declare-test/web:2"}, "blog": blog})
    assert shop.apply(apps=("web",)).exit_code == 0
    proxy = clean_fleet.hosts["h1"].address
    assert ask(proxy, host="blog.test")[0] == 200
    assert json.loads(ask(proxy)[1])["version"] == "2"
