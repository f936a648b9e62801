"""All hosts run one image: from a registry with this machine's login, or from the one host that has it."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from declare.model.canonical import Json
from tests.acceptance.project import Project
from tests.acceptance.shop import WEB, names
from tests.conftest import bring_up
from tests.fleet import Fleet, Host
from tests.fleet.clean import clean
from tests.fleet.registry import PASSWORD, USER

LOGIN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
ALONE = {key: value for key, value in WEB.items() if key != "routes"}


@pytest.fixture(scope="module")
def registry_fleet(worker_name: str) -> Iterator[Fleet]:
    """Three hosts with a registry that asks for a login, which only h1's own client has: it pushes."""
    fleet = bring_up(f"{worker_name}-images", registry_auth=True)
    host = fleet.hosts["h1"]
    host.docker("login", "-u", USER, "--password-stdin", registry_of(fleet), text=PASSWORD)
    yield fleet
    fleet.down()


@pytest.fixture
def pulling(registry_fleet: Fleet, tmp_path: Path) -> Project:
    """A project whose user has a login for the registry, in which there is web:1."""
    clean(registry_fleet)
    push(registry_fleet, "declare-test/web:1")
    project = Project.on_fleet(registry_fleet, tmp_path / "project", name="shop")
    project.environment["DOCKER_CONFIG"] = str(tmp_path)
    log_in(tmp_path, registry_of(registry_fleet), LOGIN)
    project.write(apps=use(f"{registry_of(registry_fleet)}/web:1"))
    return project


def registry_of(fleet: Fleet) -> str:
    assert fleet.registry
    return fleet.registry.address


def log_in(config: Path, registry: str, login: str) -> None:
    (config / "config.json").write_text(json.dumps({"auths": {registry: {"auth": login}}}))


def push(fleet: Fleet, image: str, *, tag: str = "1") -> None:
    """As web:TAG; no host has that name afterwards."""
    host, name = fleet.hosts["h1"], f"{registry_of(fleet)}/web:{tag}"
    held = host.docker("images", "-q", name)
    host.docker("tag", image, name)
    host.docker("push", name)
    host.docker("rmi", name)
    if held:
        host.docker("tag", held, name)


def use(image: str, **fields: Json) -> dict[str, Json]:
    return {"web": {**ALONE, "image": image, **fields}}


def run_images(fleet: Fleet) -> dict[str, set[str]]:
    """The IDs of the images that run on each host."""
    found = {}
    for host in fleet.hosts.values():
        ids = host.docker("ps", "-q", "--filter", "label=declare.app").split()
        found[host.name] = set(host.docker("inspect", "-f", "{{.Image}}", *ids).split()) if ids else set()
    return found


def id_of(host: Host, image: str) -> str:
    return host.docker("inspect", "-f", "{{.Id}}", image)


def make_image(host: Host, name: str, mark: str) -> str:
    """An image that no other host has and no registry knows."""
    made = host.docker("create", "--label", f"mark={mark}", "declare-test/web:1")
    return host.docker("commit", made, name)


def test_a_login_of_this_machine_must_reach_every_host_and_stay_unseen(pulling: Project, registry_fleet: Fleet) -> None:
    done = pulling.run("apply", "--yes")
    assert done.exit_code == 0, done.stderr
    wanted = id_of(registry_fleet.hosts["h1"], "declare-test/web:1")
    assert run_images(registry_fleet) == {"h1": {wanted}, "h2": {wanted}, "h3": {wanted}}
    assert pulling.plan().plan.is_empty
    told = [done.stdout, done.stderr, pulling.run("plan", "--json").stdout, pulling.run("status", "--json").stdout]
    for host in registry_fleet.hosts.values():
        told.append(host.docker("inspect", *host.docker("ps", "-aq").split()))
    assert not [text for text in told if PASSWORD in text or LOGIN in text]


@pytest.mark.parametrize("login", [None, base64.b64encode(b"declare:wrong").decode()])
def test_a_pull_without_the_right_login_must_name_image_and_hosts_and_change_nothing(
    pulling: Project, registry_fleet: Fleet, tmp_path: Path, login: str | None
) -> None:
    (tmp_path / "config.json").unlink()
    if login:
        log_in(tmp_path, registry_of(registry_fleet), login)
    done = pulling.run("apply", "--yes")
    assert done.exit_code == 1, done.stderr
    assert f"{registry_of(registry_fleet)}/web:1" in done.stderr
    assert all(name in done.stderr for name in registry_fleet.hosts)
    assert "auth" in done.stderr and "wrong" not in done.stderr
    assert not names(registry_fleet)


@pytest.mark.parametrize("policy", ["missing", "always"])
def test_a_tag_that_the_registry_lacks_must_name_image_and_host_and_change_nothing(
    pulling: Project, registry_fleet: Fleet, policy: str
) -> None:
    assert pulling.run("apply", "--yes").exit_code == 0
    before = names(registry_fleet)
    lacking = f"{registry_of(registry_fleet)}/web:nowhere"
    pulling.write(apps=use(lacking, pull_policy=policy))
    done = pulling.run("apply", "--yes")
    assert done.exit_code == 1, done.stderr
    assert lacking in done.stderr and "h1" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert names(registry_fleet) == before


def test_a_tag_that_moved_must_replace_with_always_and_not_with_missing(
    pulling: Project, registry_fleet: Fleet
) -> None:
    image = f"{registry_of(registry_fleet)}/web:1"
    assert pulling.run("apply", "--yes").exit_code == 0
    push(registry_fleet, "declare-test/web:2")
    assert pulling.plan().plan.is_empty
    pulling.write(apps=use(image, pull_policy="always"))
    told = pulling.run("plan")
    assert told.exit_code == 0, told.stderr
    assert "3 to replace" in told.stdout and "sha256:" in told.stdout, told.stdout
    done = pulling.run("apply", "--yes")
    assert done.exit_code == 0, done.stderr
    wanted = id_of(registry_fleet.hosts["h1"], "declare-test/web:2")
    assert run_images(registry_fleet) == {"h1": {wanted}, "h2": {wanted}, "h3": {wanted}}
    again = pulling.run("plan", "--detailed-exitcode")
    assert again.exit_code == 0, again.stdout


def test_a_saved_plan_must_get_the_image_that_it_was_made_with(pulling: Project, registry_fleet: Fleet) -> None:
    pulling.write(apps=use(f"{registry_of(registry_fleet)}/web:1", pull_policy="always"))
    assert pulling.run("plan", "--out", "plan.json").exit_code == 0
    push(registry_fleet, "declare-test/web:2")
    done = pulling.run("apply", "plan.json", "--yes")
    wanted = id_of(registry_fleet.hosts["h1"], "declare-test/web:1")
    if done.exit_code == 0:
        assert run_images(registry_fleet) == {"h1": {wanted}, "h2": {wanted}, "h3": {wanted}}
    else:
        assert done.exit_code == 1 and "changed" in done.stderr, done.stderr
        assert not names(registry_fleet)


def test_missing_must_ask_no_registry_for_what_is_there(pulling: Project, registry_fleet: Fleet) -> None:
    assert pulling.run("apply", "--yes").exit_code == 0
    assert registry_fleet.registry
    log = registry_fleet.registry.folder / "log"
    before = log.stat().st_size
    pulling.write(apps=use(f"{registry_of(registry_fleet)}/web:1", environment={"A": "1"}, replicas=4))
    assert pulling.run("apply", "--yes").exit_code == 0
    assert log.stat().st_size == before


def test_a_host_that_lacks_the_image_must_get_the_one_that_the_others_run(
    pulling: Project, registry_fleet: Fleet
) -> None:
    """Though its tag has moved in the registry since."""
    image = f"{registry_of(registry_fleet)}/web:1"
    pulling.write(apps=use(image, replicas=2))
    assert pulling.run("apply", "--yes").exit_code == 0
    push(registry_fleet, "declare-test/web:2")
    pulling.write(apps=use(image, replicas=3))
    done = pulling.run("apply", "--yes")
    assert done.exit_code == 0, done.stderr
    wanted = id_of(registry_fleet.hosts["h1"], "declare-test/web:1")
    assert run_images(registry_fleet) == {"h1": {wanted}, "h2": {wanted}, "h3": {wanted}}
    assert pulling.plan().plan.is_empty


def test_an_image_that_is_on_one_host_only_must_be_copied_to_the_others(clean_fleet: Fleet, tmp_path: Path) -> None:
    wanted = make_image(clean_fleet.hosts["h2"], "local/app:1", "one")
    project = Project.on_fleet(clean_fleet, tmp_path, name="shop")
    project.write(apps=use("local/app:1"))
    told = project.run("plan").stdout
    assert "local/app:1" in told and "h2" in told
    done = project.run("apply", "--yes")
    assert done.exit_code == 0, done.stderr
    assert run_images(clean_fleet) == {"h1": {wanted}, "h2": {wanted}, "h3": {wanted}}
    assert project.plan().plan.is_empty


def test_a_newer_image_of_one_host_must_not_be_mixed_with_the_running_one(clean_fleet: Fleet, tmp_path: Path) -> None:
    running = make_image(clean_fleet.hosts["h2"], "local/app:1", "one")
    project = Project.on_fleet(clean_fleet, tmp_path, name="shop")
    project.write(apps=use("local/app:1"))
    assert project.apply().exit_code == 0
    newer = make_image(clean_fleet.hosts["h2"], "local/app:1", "two")
    done = project.run("apply", "--yes")
    assert done.exit_code == 1, done.stdout
    for said in ("local/app:1", "h1, h3", "h2", running[7:19], newer[7:19]):
        assert said in done.stderr, done.stderr
    assert run_images(clean_fleet) == {"h1": {running}, "h2": {running}, "h3": {running}}


def test_an_image_that_was_renewed_on_all_hosts_must_replace_what_runs(clean_fleet: Fleet, tmp_path: Path) -> None:
    project = Project.on_fleet(clean_fleet, tmp_path, name="shop")
    clean_fleet.each(lambda host: host.docker("tag", "declare-test/web:1", "local/app:1"))
    project.write(apps=use("local/app:1"))
    assert project.apply().exit_code == 0
    clean_fleet.each(lambda host: host.docker("tag", "declare-test/web:2", "local/app:1"))
    assert "3 to replace" in project.run("plan").stdout
    assert project.apply().exit_code == 0
    wanted = id_of(clean_fleet.hosts["h1"], "declare-test/web:2")
    assert run_images(clean_fleet) == {"h1": {wanted}, "h2": {wanted}, "h3": {wanted}}
    assert project.plan().plan.is_empty


def test_an_image_that_must_not_be_pulled_must_be_missed_before_anything_starts(
    clean_fleet: Fleet, tmp_path: Path
) -> None:
    make_image(clean_fleet.hosts["h2"], "local/app:1", "one")
    project = Project.on_fleet(clean_fleet, tmp_path, name="shop")
    project.write(apps=use("local/app:1", pull_policy="never"))
    done = project.run("apply", "--yes")
    assert done.exit_code == 1, done.stdout
    assert "h1, h3" in done.stderr and "never" in done.stderr
    assert not names(clean_fleet)
