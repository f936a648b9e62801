"""Where the quickstart's shop can stand: three hosts of its own, or the one Docker engine that is there."""

import os
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from scripts.first_steps.images import NGINX_PULLED, SHOP, build_on, remove_from
from tests.fleet import Fleet, FleetError, Host, why_no_fleet
from tests.fleet.engine_api import answers, call
from tests.fleet.fleet import list_fleets
from tests.images.catalog import NGINX

FLEET = os.environ.get("QUICKSTART_NAME", "quickstart")
"""Of the fleet and of the project's folder. Tests have names of their own, beside the one that a user may have up."""

PROJECT = Path(__file__).parent.parent.parent / FLEET
MARK = "# The quickstart's, on the engine at "
LABELS = ("{zone: a, disk: ssd}", "{zone: b}", "{zone: c}")
VARIABLES = 'vars: {TAG: "1.0", DOMAIN: example.com}\n'

Say = Callable[[str], None]


class NoGround(Exception):
    """There is no place to put the shop; the message says what would help."""


class Ground(Protocol):
    title: str
    removed: str
    try_next: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What `declare` needs to reach it."""

    def prepare(self, say: Say) -> None:
        """Hosts on, images there. Does nothing where that is so."""

    def inventory(self) -> str: ...

    def front(self) -> tuple[str, int]:
        """Address and port where nginx answers."""

    def remove(self) -> None:
        """All of it, but for the project's folder."""


class OwnHosts:
    """Three hosts of their own: separate networks, engines and sshds, reached over ssh."""

    title = "Three hosts on this machine, each with its own network, Docker engine and sshd, reached over ssh"
    removed = "the three hosts and all that ran on them"
    try_next = f"""\
Now in {FLEET}/ (`cd {FLEET}`):
  sed -i 's/replicas: 3/replicas: 5/' apps/web.yaml; ./declare plan       what one change means
  ./declare apply                                                         asks, and does it
  sed -i 's/TAG: "1.0"/TAG: "1.1"/' inventory.yaml; ./declare apply       a new version, no request dropped
  ./declare status                                                        what runs where, and how it is
  ../scripts/fleet kill --name {FLEET} h3; ./declare plan              a dead host is named, and waited for
  ./declare apply --lost h3                                               unless you say that it is gone
  ../scripts/fleet boot --name {FLEET} h3; ./declare apply             and when it comes back
  ./declare explain healthcheck                                           what a field means"""

    def __init__(self) -> None:
        self._fleet: Fleet | None = Fleet.load(FLEET) if FLEET in list_fleets() else None

    @property
    def environment(self) -> Mapping[str, str]:
        return {"DECLARE_SSH_CONFIG": str(self._hosts.ssh_config)}

    @property
    def _hosts(self) -> Fleet:
        if self._fleet is None:
            raise NoGround("its hosts are not up")
        return self._fleet

    def prepare(self, say: Say) -> None:
        try:
            if self._fleet is None:
                self._fleet = Fleet.up(FLEET, hosts=3)
            self._fleet.each(_switch_on)
            for host in self._fleet.hosts.values():
                for name, source in SHOP.items():
                    call(host.socket, "POST", f"/images/{source}/tag?repo={name.replace(':', '&tag=')}")
        except FleetError as error:
            raise NoGround(f"the hosts did not come up: {error}") from error
        say("up: " + ", ".join(f"{host.name} {host.address}" for host in self._fleet.hosts.values()))

    def inventory(self) -> str:
        lines = ["# What the quickstart brought up. examples/shop/inventory.yaml is one for machines of your own.",
                 "project: shop", "", "hosts:"]  # fmt: skip
        for host, labels in zip(self._hosts.hosts.values(), LABELS, strict=True):
            lines += [f"  {host.name}:", f"    engine: {host.engine_ssh}", f"    address: {host.address}",
                      f"    labels: {labels}"]  # fmt: skip
        lines += ["", "proxy:", "  hosts: [h1, h2]", f"  image: {NGINX}", "", VARIABLES]
        return "\n".join(lines)

    def front(self) -> tuple[str, int]:
        return self._hosts.hosts["h1"].address, 80

    def remove(self) -> None:
        self._hosts.down()


class OneEngine:
    """The engine that is there anyway. Project and images have their own names, so that nothing else is touched."""

    try_next = f"""\
Now in {FLEET}/ (`cd {FLEET}`):
  sed -i 's/replicas: 3/replicas: 5/' apps/web.yaml; ./declare plan       what one change means
  ./declare apply                                                         asks, and does it
  sed -i 's/TAG: "1.0"/TAG: "1.1"/' inventory.yaml; ./declare apply       a new version, no request dropped
  docker stop quickstart-web-1-1; ./declare plan                          what was changed by hand is named
  ./declare status                                                        what runs where, and how it is
  ./declare explain healthcheck                                           what a field means"""

    def __init__(self, engine: Path) -> None:
        self.title = f"The Docker engine of this machine, at {engine}"
        self.removed = f"the shop and its images from the Docker engine at {engine}"
        self.environment: Mapping[str, str] = {}
        self._engine = engine
        self._nginx = NGINX_PULLED

    def prepare(self, say: Say) -> None:
        self._nginx = build_on(self._engine, say)

    def inventory(self) -> str:
        lines = [f"{MARK}{self._engine}", "project: quickstart", "", "hosts:", "  here:",
                 f"    engine: unix://{self._engine}", f"    labels: {LABELS[0]}", "",
                 "proxy:", "  hosts: [here]", f"  image: {self._nginx}", f"  listen: {{http: {_free_port()}}}", "",
                 VARIABLES]  # fmt: skip
        return "\n".join(lines)

    def front(self) -> tuple[str, int]:
        text = (PROJECT / "inventory.yaml").read_text()
        return "127.0.0.1", int(text.partition("listen: {http: ")[2].partition("}")[0])

    def remove(self) -> None:
        command = ["./declare", "destroy", "--volumes", "--yes"]
        done = subprocess.run(
            command, cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NoGround(f"the shop could not be removed:\n{done.stderr.strip()}")
        remove_from(self._engine)


def _switch_on(host: Host) -> None:
    if not host.is_on():
        host.boot()


def find_ground() -> Ground:
    """What is up already, else hosts of their own, else an engine. Raises NoGround."""
    if used := find_grounds_in_use():
        return used[0]
    reason = why_no_fleet()
    if reason is None:
        return OwnHosts()
    engine = _find_engine()
    if engine is None:
        raise NoGround(f"{reason}, and no Docker engine answers here\n"
                       "  help: run it as root, or as a user who may use Docker")  # fmt: skip
    return OneEngine(engine)


def find_grounds_in_use() -> list[Ground]:
    """Those on which an earlier run put the shop."""
    inventory = PROJECT / "inventory.yaml"
    first = inventory.read_text().partition("\n")[0] if inventory.exists() else ""
    found: list[Ground] = [OwnHosts()] if FLEET in list_fleets() else []
    return found + ([OneEngine(Path(first.removeprefix(MARK)))] if first.startswith(MARK) else [])


def _find_engine() -> Path | None:
    named = os.environ.get("DOCKER_HOST", "").removeprefix("unix://")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "/nowhere")
    places = (named or "/var/run/docker.sock", f"{runtime}/docker.sock")
    return next((Path(place) for place in places if place.startswith("/") and answers(Path(place))), None)


def _free_port() -> int:
    for port in range(8080, 8180):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise NoGround("no port from 8080 to 8179 is free for nginx")
