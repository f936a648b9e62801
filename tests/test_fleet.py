"""The fleet of real hosts does what the other tests take for granted."""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import bring_up
from tests.fleet import Fleet, FleetError, Host
from tests.fleet.clean import clean, heal
from tests.fleet.errors import wait_until
from tests.fleet.fleet import list_fleets
from tests.fleet.foreign import NAME as FOREIGN_CONTAINER
from tests.fleet.foreign import check_foreigners, settle_foreigners
from tests.fleet.registry import PASSWORD, USER
from tests.fleet.web import PORT, fetch, serves, start_web, wait_until_it_serves
from tests.images import IMAGES

pytestmark = pytest.mark.fleet
ROOT = Path(__file__).parent.parent


@pytest.fixture
def serving(clean_fleet: Fleet) -> Host:
    """h1, with a web container on it that came back from every reboot so far."""
    host = clean_fleet.hosts["h1"]
    start_web(host, "web")
    wait_until_it_serves(host)
    return host


def test_every_host_is_an_engine_of_its_own(clean_fleet: Fleet) -> None:
    known = {host.docker("info", "--format", "{{.ID}} {{.Name}}") for host in clean_fleet.hosts.values()}
    assert len(known) == 3


def test_all_hosts_have_the_same_images(clean_fleet: Fleet) -> None:
    listed = clean_fleet.each(lambda host: host.docker("inspect", "--format", "{{.Id}}", *IMAGES))
    assert len(set(listed)) == 1


def test_a_published_port_answers_here_and_on_other_hosts(serving: Host, clean_fleet: Fleet) -> None:
    assert '"version": "1"' in fetch(serving)
    assert '"version": "1"' in clean_fleet.hosts["h2"].exec("busybox", "wget", "-qO-", f"{serving.address}:{PORT}")


def test_a_power_loss_silences_a_host_and_its_containers_return_with_it(serving: Host) -> None:
    serving.kill()
    assert not serves(serving)
    assert not serving.is_on()
    serving.boot()
    wait_until_it_serves(serving)


def test_a_cut_host_goes_on_unseen(serving: Host) -> None:
    serving.cut()
    assert not serves(serving)
    assert serving.engine_answers()
    serving.mend()
    wait_until_it_serves(serving)


def test_a_host_can_be_deaf_to_one_address_only(serving: Host, clean_fleet: Fleet) -> None:
    serving.drop_from(clean_fleet.network.gateway)
    assert not serves(serving)
    assert "version" in clean_fleet.hosts["h2"].exec("busybox", "wget", "-qO-", f"{serving.address}:{PORT}")
    serving.accept_from(clean_fleet.network.gateway)
    wait_until_it_serves(serving)


def test_a_paused_engine_accepts_and_never_answers(serving: Host) -> None:
    serving.pause()
    connection = http.client.HTTPConnection(serving.address, serving.engine_port, timeout=0.3)
    connection.request("GET", "/_ping")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert serves(serving)
    serving.resume()
    wait_until(serving.engine_answers, what="the engine answers")


def test_a_restarted_engine_starts_its_containers_again(serving: Host) -> None:
    serving.restart_engine()
    wait_until_it_serves(serving)


def test_a_killed_engine_knows_its_containers_after_its_start(serving: Host) -> None:
    # Not that they run: one that was left running is stopped, which counts as by hand for `unless-stopped`.
    serving.restart_engine(kill=True)
    assert "web" in serving.docker("ps", "--all", "--format", "{{.Names}}").split()


def test_a_wiped_host_comes_back_as_another_machine(clean_fleet: Fleet) -> None:
    host = clean_fleet.hosts["h1"]
    before = host.docker("info", "--format", "{{.ID}}")
    host.wipe()
    host.boot()
    assert host.docker("info", "--format", "{{.ID}}") != before
    assert host.docker("images", "-q") == ""
    refused = subprocess.run(["ssh", "-F", clean_fleet.ssh_config, host.name, "true"], capture_output=True, check=False)
    assert b"REMOTE HOST IDENTIFICATION HAS CHANGED" in refused.stderr


def test_cleaning_undoes_every_fault(fleet: Fleet) -> None:
    clean(fleet)
    first, second, third = fleet.hosts.values()
    first.kill()
    second.wipe()
    third.drop_from(fleet.network.gateway)
    third.cut()
    third.pause()
    clean(fleet)
    assert len(set(fleet.each(lambda host: host.docker("inspect", "--format", "{{.Id}}", *IMAGES)))) == 1
    for host in fleet.hosts.values():
        assert subprocess.run(["ssh", "-F", fleet.ssh_config, host.name, "true"], check=False).returncode == 0


def test_ssh_reaches_the_engines_socket(serving: Host, clean_fleet: Fleet, tmp_path: Path) -> None:
    local = tmp_path / "engine.sock"
    command = ["ssh", "-F", str(clean_fleet.ssh_config), "-N", "-L", f"{local}:/run/docker.sock", serving.name]
    with subprocess.Popen(command) as ssh:
        try:
            wait_until(local.exists, what="the socket is forwarded", seconds=10)
            done = subprocess.run(["docker", "-H", f"unix://{local}", "ps"], capture_output=True, text=True, check=True)
        finally:
            ssh.terminate()
    assert "web" in done.stdout


def test_a_program_needs_no_options_to_use_ssh(clean_fleet: Fleet) -> None:
    environment = {**os.environ, **clean_fleet.environment}
    for host in clean_fleet.hosts.values():
        done = subprocess.run(
            ["ssh", "--", f"root@{host.address}", "hostname"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == host.name


def test_a_foreign_container_that_was_touched_is_noticed(fleet: Fleet) -> None:
    fleet.each(heal)
    before = settle_foreigners(fleet)
    host = fleet.hosts["h2"]
    host.docker("restart", "-t", "0", FOREIGN_CONTAINER)
    with pytest.raises(AssertionError, match="of h2 was restarted"):
        check_foreigners(fleet, before)
    host.docker("rm", "-f", FOREIGN_CONTAINER)
    with pytest.raises(AssertionError, match="of h2 is gone"):
        check_foreigners(fleet, before)


def test_two_fleets_stand_side_by_side(clean_fleet: Fleet) -> None:
    other = bring_up(f"{clean_fleet.name}-other", hosts=["h1", "web-1"], tls=["web-1"], registry=True)
    try:
        assert not {host.address for host in clean_fleet.hosts.values()} & {
            host.address for host in other.hosts.values()
        }
        start_web(other.hosts["h1"], "web")
        wait_until_it_serves(other.hosts["h1"])
        assert "web" not in clean_fleet.hosts["h1"].docker("ps", "--all", "--format", "{{.Names}}").split()
    finally:
        other.down()
    assert other.name not in list_fleets()
    assert clean_fleet.is_up()


@pytest.fixture(scope="module")
def guarded() -> Iterator[Fleet]:
    """One host whose engine asks for certificates, and a registry that asks for a login."""
    fleet = bring_up(f"test-{os.getpid()}-guarded", hosts=1, tls=True, registry_auth=True)
    yield fleet
    fleet.down()


def test_a_tls_engine_answers_only_to_the_right_certificate(guarded: Fleet) -> None:
    host = guarded.hosts["h1"]
    assert host.docker("version", "--format", "{{.Server.Os}}") == "linux"
    refused = subprocess.run(["docker", "-H", host.engine_tcp, "--tls", "ps"], capture_output=True, check=False)
    assert refused.returncode != 0


def test_the_registry_wants_its_login_and_serves_what_was_pushed(guarded: Fleet) -> None:
    host, registry = guarded.hosts["h1"], guarded.registry
    assert registry is not None
    name = f"{registry.address}/web:1"
    host.docker("tag", "declare-test/web:1", name)
    with pytest.raises(FleetError, match="no basic auth"):
        host.docker("push", name)
    host.docker("login", "-u", USER, "--password-stdin", registry.address, text=PASSWORD)
    host.docker("push", name)
    host.docker("rmi", name, "declare-test/web:1")
    host.docker("pull", name)
    assert name in host.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()


def test_a_fleet_whose_owner_died_is_removed_by_the_next_one(fleet: Fleet) -> None:
    name = f"{fleet.name}-left"
    program = (
        f"from tests.fleet import Fleet; import os; Fleet.up({name!r}, hosts=1, owned=True); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT)
    assert name in list_fleets()
    left = Fleet.load(name).hosts["h1"]
    assert left.engine_answers()
    bring_up(f"{fleet.name}-next", hosts=1, images=False).down()
    assert name not in list_fleets()
    assert not left.is_on()


def test_a_start_that_was_killed_half_way_leaves_a_fleet_that_can_be_taken_down(fleet: Fleet) -> None:
    name = f"{fleet.name}-half"
    program = f"from tests.fleet import Fleet; Fleet.up({name!r}, hosts=2)"
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as starter:
        wait_until(lambda: name in list_fleets() and Fleet.load(name).hosts["h1"].is_on(), what="it has begun")
        starter.kill()
    half = Fleet.load(name)
    half.down()
    assert not half.hosts["h1"].is_on()
    assert name not in list_fleets()
