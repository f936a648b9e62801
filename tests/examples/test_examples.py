"""Every example is valid as it stands, and does on real hosts what its comments say."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import bring_up
from tests.examples.example import EXAMPLES, ROOT, Example, ask
from tests.fleet import Fleet
from tests.fleet.processes import Process

INVENTORIES = sorted(
    path.relative_to(EXAMPLES) for path in EXAMPLES.glob("*/*.yaml") if path.read_text().find("\nhosts:") > 0
)


@pytest.mark.parametrize("inventory", INVENTORIES, ids=str)
def test_every_example_is_valid_as_it_stands(inventory: Path) -> None:
    command: list[str | Path] = [sys.executable, "-m", "declare", "validate", "-i", EXAMPLES / inventory]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_example_is_in_the_list() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    assert all(f"| `{inventory.parent}` |" in listed for inventory in INVENTORIES)


def test_the_shop_serves_from_three_zones_and_changes_its_version(clean_fleet: Fleet, tmp_path: Path) -> None:
    shop = Example.on(clean_fleet, "shop", tmp_path / "shop")
    (shop.folder / "session_key").write_text("key")
    shop.converge()
    first, second, _ = (host.address for host in clean_fleet.hosts.values())
    assert len({ask(first, "shop.example.com")[1] for _ in range(9)}) == 3
    assert ask(second, "shop.example.com", "/api/up")[0] == 200
    shop.environment["TAG"] = "1.1"
    shop.converge()
    assert '"version": "2"' in ask(second, "shop.example.com")[1]


def test_one_engine_is_a_fleet(clean_fleet: Fleet, tmp_path: Path) -> None:
    Example.on(clean_fleet, "single-host", tmp_path / "hello").converge()
    assert ask(clean_fleet.hosts["h1"].address, "hello.localhost", port=8080)[0] == 200


def test_two_environments_of_one_set_of_manifests_share_a_host(clean_fleet: Fleet, tmp_path: Path) -> None:
    production = Example.on(clean_fleet, "two-environments", tmp_path / "production", inventory="production.yaml")
    staging = Example.on(clean_fleet, "two-environments", tmp_path / "staging", inventory="staging.yaml")
    production.converge()
    staging.converge()
    assert "Nothing to do" in production.declare("plan")
    address = clean_fleet.hosts["h1"].address
    assert '"version": "1"' in ask(address, "shop.example.com")[1]
    assert '"version": "2"' in ask(address, "shop.staging.example.com", port=8080)[1]


@pytest.fixture
def tls_fleet(worker_name: str) -> Iterator[Fleet]:
    fleet = bring_up(f"{worker_name}-tls", hosts=1, tls=True)
    yield fleet
    fleet.down()


@pytest.mark.fleet
def test_a_route_with_a_certificate_redirects_to_https(tls_fleet: Fleet, tmp_path: Path) -> None:
    tls = Example.on(tls_fleet, "tls", tmp_path / "tls", tls=True)
    host = tls_fleet.hosts["h1"]
    shutil.copytree(host.certificates, tls.folder / "certs")
    _run_the_command_of(tls.folder / "apps/shop.yaml", cwd=tls.folder)
    tls.converge()
    assert ask(host.address, "shop.example.com") == (308, "https://shop.example.com/")
    trusted = ssl.create_default_context(cafile=str(tls.folder / "certs/shop.crt"))
    assert ask(host.address, "shop.example.com", port=443, tls=trusted)[0] == 200


def test_an_nginx_of_ones_own_is_started_and_reloaded(clean_fleet: Fleet, tmp_path: Path) -> None:
    own = Example.on(clean_fleet, "own-nginx", tmp_path / "own")
    own.environment.update(HTTP=str(_free_port()), ACK=str(_free_port()))
    try:
        own.converge()
        assert ask("127.0.0.1", "www.example.com", port=int(own.environment["HTTP"]))[0] == 200
    finally:
        _end(own.folder / "build/nginx.pid")


def _run_the_command_of(manifest: Path, *, cwd: Path) -> None:
    """The shell command in the comment at its head."""
    lines = [line[1:].strip() for line in manifest.read_text().splitlines() if line.startswith("#   ")]
    subprocess.run("\n".join(lines), shell=True, cwd=cwd, check=True, capture_output=True)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _end(pid_file: Path) -> None:
    if pid_file.exists() and (nginx := Process.of(int(pid_file.read_text()))):
        os.kill(nginx.pid, 15)
