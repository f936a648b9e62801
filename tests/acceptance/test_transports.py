"""The same project over every way to an engine: planned, applied, and then nothing to do."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from declare.model.canonical import Json
from tests.acceptance.project import Project
from tests.acceptance.shop import WEB, ask, names, proxied
from tests.conftest import bring_up
from tests.fleet import Fleet, Host
from tests.fleet.errors import run

APPS: dict[str, Json] = {"web": WEB}


@pytest.fixture(scope="module")
def mixed_fleet(worker_name: str) -> Iterator[Fleet]:
    """Three hosts; the engine of the last one asks for certificates."""
    fleet = bring_up(f"{worker_name}-mix", tls=["h3"])
    yield fleet
    fleet.down()


@pytest.fixture
def sockets() -> Iterator[Path]:
    """An empty folder for ssh's sockets, so that no connection of before is used; those of now are ended."""
    folder = Path(tempfile.mkdtemp(prefix="declare-", dir="/tmp"))  # a socket's path must be short
    yield folder
    for control in folder.glob("**/*.ctl"):
        subprocess.run(["ssh", "-S", control, "-O", "exit", "any"], capture_output=True, check=False)
    shutil.rmtree(folder)


@pytest.fixture
def over_ssh(clean_fleet: Fleet, sockets: Path, tmp_path: Path) -> Project:
    project = Project.on_fleet(clean_fleet, tmp_path / "project", name="shop")
    project.hosts = {host.name: by_ssh(host) for host in clean_fleet.hosts.values()}
    project.environment["XDG_RUNTIME_DIR"] = str(sockets)
    project.write(apps=APPS, inventory=proxied("h1"))
    return project


def by_ssh(host: Host) -> Json:
    return {"engine": host.engine_ssh, "address": host.address}


def by_tls(host: Host) -> Json:
    files = {key: str(host.certificates / f"{key}.pem") for key in ("ca", "cert", "key")}
    return {"engine": host.engine_tcp, "address": host.address, "tls": files}


def make_context(host: Host, config: Path, name: str) -> None:
    """A Docker context, as its owner would make it."""
    paths = {key: host.certificates / f"{key}.pem" for key in ("ca", "cert", "key")}
    where = ",".join([f"host={host.engine_tcp}", *(f"{key}={path}" for key, path in paths.items() if host.tls)])
    environment = {"PATH": os.environ["PATH"], "DOCKER_CONFIG": str(config)}
    subprocess.run(
        ["docker", "context", "create", name, "--docker", where], env=environment, capture_output=True, check=True
    )


def watch_ssh(project: Project, folder: Path) -> Path:
    """A file that gets a line for each call of ssh, from now on."""
    folder.mkdir()
    log = folder / "calls"
    log.touch()
    door = folder / "ssh"
    real = shutil.which("ssh", path=project.environment["PATH"])
    door.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real} "$@"\n')
    door.chmod(0o755)
    project.environment["PATH"] = f"{folder}:{project.environment['PATH']}"
    return log


@contextmanager
def closed_ports(host: Host, source: str) -> Iterator[None]:
    """Nothing from there reaches the ports that are allocated on this host."""
    rule = ["PREROUTING", "-s", source, "-p", "tcp", "--dport", "20000:29999", "-j", "DROP"]
    host.exec("iptables", "-w", "-t", "raw", "-I", *rule)
    try:
        yield
    finally:
        host.exec("iptables", "-w", "-t", "raw", "-D", *rule)


def check_converges(project: Project) -> None:
    applied = project.run("apply", "--yes")
    assert applied.exit_code == 0, applied.stderr
    again = project.run("plan", "--detailed-exitcode")
    assert again.exit_code == 0, again.stdout
    assert "Nothing to do" in again.stdout


def test_a_project_over_ssh_must_apply_and_then_have_nothing_to_do(over_ssh: Project, clean_fleet: Fleet) -> None:
    check_converges(over_ssh)
    proxy = clean_fleet.hosts["h1"].address
    assert len({json.loads(ask(proxy)[1])["hostname"] for _ in range(20)}) == 3


def test_a_second_plan_over_ssh_must_start_no_ssh(over_ssh: Project, tmp_path: Path) -> None:
    calls = watch_ssh(over_ssh, tmp_path / "door")
    assert over_ssh.run("plan").exit_code == 0
    assert len(calls.read_text().splitlines()) == 3
    calls.write_text("")
    assert over_ssh.run("plan").exit_code == 0
    assert calls.read_text() == ""


def test_a_broken_ssh_connection_must_be_opened_anew(over_ssh: Project, sockets: Path) -> None:
    assert over_ssh.run("plan").exit_code == 0
    for control in sockets.glob("**/*.ctl"):
        run(["ssh", "-S", control, "-O", "exit", "any"])
    told = over_ssh.run("plan")
    assert "3 reachable" in told.stdout, told.stdout


def test_probes_over_ssh_must_come_from_the_host_itself(over_ssh: Project, clean_fleet: Fleet) -> None:
    gateway = clean_fleet.network.gateway
    first, second, third = clean_fleet.hosts.values()
    with closed_ports(first, gateway), closed_ports(second, gateway), closed_ports(third, gateway):
        check_converges(over_ssh)
        assert ask(first.address)[0] == 200


def test_an_address_not_given_must_be_the_one_that_ssh_uses(over_ssh: Project, clean_fleet: Fleet) -> None:
    over_ssh.hosts = {name: {"engine": f"ssh://{name}"} for name in clean_fleet.hosts}
    over_ssh.write(inventory=proxied("h1"))
    check_converges(over_ssh)
    assert ask(clean_fleet.hosts["h1"].address)[0] == 200


def test_a_host_with_an_unknown_key_must_be_named_and_the_others_applied(over_ssh: Project, clean_fleet: Fleet) -> None:
    unknown = clean_fleet.hosts["h2"]
    known = clean_fleet.ssh_config.with_name("known_hosts")
    known.write_text("".join(line for line in known.open() if not line.startswith(unknown.address)))
    told = over_ssh.run("plan")
    assert told.exit_code == 0, told.stderr
    assert "3 hosts, 2 reachable" in told.stdout
    assert "h2" in told.stdout and "host key" in told.stdout and "is not known" in told.stdout
    done = over_ssh.run("apply", "--yes")
    assert done.exit_code == 3, done.stderr
    assert "h2" in done.stderr and len(names(clean_fleet)) == 3
    assert not unknown.docker("ps", "-q", "--filter", "label=declare.project").split()


def test_a_project_over_a_socket_must_apply_and_then_have_nothing_to_do(clean_fleet: Fleet, tmp_path: Path) -> None:
    host = clean_fleet.hosts["h1"]
    project = Project(tmp_path, {"h1": {"engine": host.engine_unix, "address": host.address}}, name="shop")
    project.write(apps=APPS, inventory=proxied("h1"))
    check_converges(project)
    assert len({json.loads(ask(host.address)[1])["hostname"] for _ in range(20)}) == 3


def test_plain_tcp_must_warn_at_every_plan(clean_fleet: Fleet, tmp_path: Path) -> None:
    project = Project.on_fleet(clean_fleet, tmp_path)
    project.write(apps=APPS)
    told = project.run("plan")
    assert told.exit_code == 0
    assert told.stderr.count("plain TCP") == 1


def test_ways_of_all_kinds_must_do_in_one_inventory(mixed_fleet: Fleet, sockets: Path, tmp_path: Path) -> None:
    first, second, third = mixed_fleet.hosts.values()
    project = Project(tmp_path / "project", {}, name="shop", environment=dict(mixed_fleet.environment))
    project.environment |= {"XDG_RUNTIME_DIR": str(sockets), "DOCKER_CONFIG": str(tmp_path)}
    make_context(third, tmp_path, "third")
    project.hosts = {
        "h1": by_ssh(first),
        "h2": {"engine": second.engine_unix, "address": second.address},
        "h3": by_tls(third),
    }
    project.write(apps=APPS, inventory=proxied("h1", "h3"))
    check_converges(project)
    for proxy in (first, third):
        assert len({json.loads(ask(proxy.address)[1])["hostname"] for _ in range(20)}) == 3
    project.hosts["h3"] = {"context": "third"}
    project.write(inventory=proxied("h1", "h3"))
    again = project.run("plan", "--detailed-exitcode")
    assert again.exit_code == 0, again.stdout + again.stderr
    assert "plain TCP" not in again.stderr
    assert project.run("destroy", "--yes").exit_code == 0


def test_an_engine_with_another_authority_must_be_named_as_not_trusted(
    mixed_fleet: Fleet, certificates: Path, tmp_path: Path
) -> None:
    host = mixed_fleet.hosts["h3"]
    files = {"ca": str(certificates / "ca.pem"), "cert": str(certificates / "cert.pem")}
    files["key"] = str(certificates / "key.pem")
    hosts: dict[str, Json] = {
        "h2": {"engine": mixed_fleet.hosts["h2"].engine_tcp, "address": host.address, "insecure": True},
        "h3": {"engine": host.engine_tcp, "address": host.address, "tls": files},
    }
    project = Project(tmp_path / "project", hosts)
    project.write(apps=APPS)
    told = project.run("plan")
    assert told.exit_code == 0, told.stderr
    assert "2 hosts, 1 reachable" in told.stdout and "certificate" in told.stdout, told.stdout


def test_a_context_that_is_not_there_must_be_named(clean_fleet: Fleet, tmp_path: Path) -> None:
    project = Project.on_fleet(clean_fleet, tmp_path / "project")
    project.environment["DOCKER_CONFIG"] = str(tmp_path)
    project.hosts["h2"] = {"context": "nowhere"}
    project.write(apps=APPS)
    told = project.run("plan")
    assert told.exit_code == 0, told.stderr
    assert 'no docker context "nowhere"' in told.stdout and "3 hosts, 2 reachable" in told.stdout, told.stdout
