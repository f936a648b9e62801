"""What is not ours is never touched: another project's containers on the same hosts, and those of nobody we know.

Somebody else's containers, which every test finds on each host, are held to the same by the fleet itself.
"""

import json
from pathlib import Path

import pytest

from declare.model.canonical import Json
from tests.acceptance.project import Project
from tests.acceptance.shop import WEB, ask, names
from tests.fleet import Fleet, Host

SMALL: dict[str, Json] = {**WEB, "replicas": 2}
DATA: dict[str, Json] = {"image": "declare-test/web:1", "port": 8000, "volumes": ["data:/data"]}


def make(fleet: Fleet, folder: Path, name: str, *, proxy: str, http: int = 80) -> Project:
    """A project of this name with the same apps as any other, behind nginx on one host."""
    project = Project.on_fleet(fleet, folder / name, name=name)
    settings: Json = {"hosts": [proxy], "image": "declare-test/nginx:1.22", "listen": {"http": http}}
    project.write(apps={"web": SMALL, "db": DATA}, inventory={"proxy": settings})
    return project


@pytest.fixture
def shop(clean_fleet: Fleet, tmp_path: Path) -> Project:
    return make(clean_fleet, tmp_path, "shop", proxy="h1")


@pytest.fixture
def neighbour(clean_fleet: Fleet, tmp_path: Path) -> Project:
    """Another project with the same names of apps, routes and volumes, applied; its proxy is on h1 too."""
    project = make(clean_fleet, tmp_path, "blog", proxy="h1", http=8080)
    apply(project)
    return project


def apply(project: Project, *options: str) -> None:
    done = project.run("apply", "--yes", *options)
    assert done.exit_code == 0, done.stderr


def see(fleet: Fleet, project: str) -> dict[str, str]:
    """Every container of a project on every host, with ID, start time and restarts."""
    seen = {}
    for host in fleet.hosts.values():
        ids = host.docker("ps", "-aq", "--filter", f"label=declare.project={project}").split()
        for found in json.loads(host.docker("inspect", *ids)) if ids else []:
            state = f"{found['Id']} {found['State']['StartedAt']} {found['RestartCount']}"
            seen[f"{host.name}{found['Name']}"] = state
    return seen


def look_at(host: Host, name: str) -> tuple[str, str]:
    found = json.loads(host.docker("inspect", name))[0]
    return found["Id"], found["State"]["StartedAt"]


def find(fleet: Fleet, name: str) -> Host:
    """The host that has the container of that name."""
    return next(h for h in fleet.hosts.values() if name in h.docker("ps", "-a", "--format", "{{.Names}}").split())


def versions(host: Host, port: int) -> set[str]:
    return {json.loads(ask(host.address, port=port)[1])["version"] for _ in range(8)}


def test_two_projects_must_never_touch_each_other(shop: Project, neighbour: Project, clean_fleet: Fleet) -> None:
    before = see(clean_fleet, "blog")
    host = clean_fleet.hosts["h1"]
    apply(shop)
    assert see(clean_fleet, "blog") == before
    shop.write(apps={"web": {**SMALL, "image": "declare-test/web:2", "replicas": 3}, "db": DATA})
    apply(shop)
    assert (versions(host, 80), versions(host, 8080)) == ({"2"}, {"1"})
    shop.write(apps={"web": SMALL})
    apply(shop)
    assert see(clean_fleet, "blog") == before
    again = neighbour.run("plan", "--detailed-exitcode")
    assert again.exit_code == 0, again.stdout
    assert shop.run("destroy", "--yes", "--volumes").exit_code == 0
    assert see(clean_fleet, "blog") == before and not see(clean_fleet, "shop")
    assert versions(host, 8080) == {"1"}
    volumes = [name for h in clean_fleet.hosts.values() for name in h.docker("volume", "ls", "-q").split()]
    assert "blog_data" in volumes and "shop_data" not in volumes


def test_two_projects_must_apply_at_once(shop: Project, clean_fleet: Fleet, tmp_path: Path) -> None:
    """Each with a lock of its own; ports that both want go to one of them."""
    other = make(clean_fleet, tmp_path, "blog", proxy="h2")
    running = [project.start("apply", "--yes") for project in (shop, other)]
    assert [process.wait(120) for process in running] == [0, 0]
    for project, proxy in ((shop, "h1"), (other, "h2")):
        assert project.plan().plan.is_empty
        assert versions(clean_fleet.hosts[proxy], 80) == {"1"}


def test_a_project_whose_name_begins_with_ours_must_be_left_alone(
    shop: Project, clean_fleet: Fleet, tmp_path: Path
) -> None:
    other = make(clean_fleet, tmp_path, "shop-web", proxy="h2")
    apply(other)
    before = see(clean_fleet, "shop-web")
    apply(shop)
    assert shop.run("destroy", "--yes").exit_code == 0
    assert see(clean_fleet, "shop-web") == before
    assert other.plan().plan.is_empty


def test_a_proxy_port_of_another_project_must_be_left_to_it(
    neighbour: Project, clean_fleet: Fleet, tmp_path: Path
) -> None:
    before = see(clean_fleet, "blog")
    shop = make(clean_fleet, tmp_path, "shop", proxy="h1", http=8080)
    done = shop.run("apply", "--yes")
    assert done.exit_code in (1, 3), done.stderr
    assert "8080" in done.stderr and "h1" in done.stderr, done.stderr
    assert see(clean_fleet, "blog") == before
    assert ask(clean_fleet.hosts["h1"].address, port=8080)[0] == 200
    assert neighbour.plan().plan.is_empty


@pytest.mark.parametrize("name", ["shop-web-1-1", "shop.proxy-1"])
def test_a_stranger_with_our_containers_name_must_stop_us_and_be_left_alone(
    shop: Project, clean_fleet: Fleet, name: str
) -> None:
    for host in clean_fleet.hosts.values():
        host.docker("run", "-d", "--name", name, "declare-test/busybox:1", "sleep", "1000000")
    before = [look_at(host, name) for host in clean_fleet.hosts.values()]
    done = shop.run("apply", "--yes")
    assert done.exit_code == 1, done.stdout + done.stderr
    assert f" has a container named {name} that is not declare's" in done.stderr, done.stderr
    assert [look_at(host, name) for host in clean_fleet.hosts.values()] == before
    assert names(clean_fleet) == []


def test_a_stranger_with_our_next_containers_name_must_not_cost_the_old_one(shop: Project, clean_fleet: Fleet) -> None:
    apply(shop)
    host = find(clean_fleet, "shop-web-1-1")
    host.docker("run", "-d", "--name", "shop-web-1-2", "declare-test/busybox:1", "sleep", "1000000")
    before, ours = look_at(host, "shop-web-1-2"), names(clean_fleet)
    shop.write(apps={"web": {**SMALL, "image": "declare-test/web:2"}, "db": DATA})
    done = shop.run("apply", "--yes")
    assert done.exit_code in (1, 3), done.stdout
    assert "shop-web-1-2" in done.stderr, done.stderr
    assert look_at(host, "shop-web-1-2") == before
    assert names(clean_fleet, states="--no-trunc") == ours
    assert versions(clean_fleet.hosts["h1"], 80) == {"1"}


def copy_labels(host: Host, name: str, copy: str) -> None:
    """A container of somebody who took our labels, as `docker commit` and careless scripts do."""
    labels = json.loads(host.docker("inspect", name))[0]["Config"]["Labels"]
    options = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    host.docker("run", "-d", "--name", copy, *options, "declare-test/busybox:1", "sleep", "1000000")


def test_a_stranger_with_our_labels_must_be_neither_adopted_nor_deleted(shop: Project, clean_fleet: Fleet) -> None:
    apply(shop)
    host = find(clean_fleet, "shop-web-1-1")
    copy_labels(host, "shop-web-1-1", "lookalike")
    before = look_at(host, "lookalike")
    told = shop.run("plan", "--detailed-exitcode")
    assert told.exit_code == 0, told.stdout
    shop.write(apps={"web": {**SMALL, "image": "declare-test/web:2"}, "db": DATA})
    apply(shop)
    assert look_at(host, "lookalike") == before
    assert versions(clean_fleet.hosts["h1"], 80) == {"2"}
    shop.write(apps={"db": DATA})
    apply(shop)
    assert look_at(host, "lookalike") == before
    assert shop.plan().plan.is_empty


def test_a_stranger_with_our_labels_must_outlive_even_destroy(shop: Project, clean_fleet: Fleet) -> None:
    apply(shop)
    host = find(clean_fleet, "shop-web-1-1")
    copy_labels(host, "shop-web-1-1", "lookalike")
    before = look_at(host, "lookalike")
    done = shop.run("destroy", "--yes")
    assert done.exit_code == 0, done.stderr
    assert look_at(host, "lookalike") == before
    assert names(clean_fleet) == ["lookalike"]


def test_a_stranger_with_the_labels_of_a_proxy_must_be_left_alone(shop: Project, clean_fleet: Fleet) -> None:
    apply(shop)
    host = clean_fleet.hosts["h1"]
    (proxy,) = host.docker(
        "ps", "--filter", "label=declare.project=shop", "--filter", "label=declare.role=proxy", "--format", "{{.Names}}"
    ).split()
    copy_labels(host, proxy, "lookalike")
    before = look_at(host, "lookalike")
    told = shop.run("plan", "--detailed-exitcode")
    assert told.exit_code == 0, told.stdout
    assert shop.run("destroy", "--yes").exit_code == 0
    assert look_at(host, "lookalike") == before


def test_a_volume_of_somebody_else_must_be_kept_when_ours_go(shop: Project, clean_fleet: Fleet) -> None:
    apply(shop)
    for host in clean_fleet.hosts.values():
        host.docker("volume", "create", "shop_other")
    assert shop.run("destroy", "--yes", "--volumes").exit_code == 0
    for host in clean_fleet.hosts.values():
        assert "shop_other" in host.docker("volume", "ls", "-q").split()
