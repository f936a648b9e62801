"""Containers of somebody else on every host: whatever is tested, they keep their identity and go on running."""

import json
from dataclasses import dataclass

from tests.fleet.clean import FOREIGN
from tests.fleet.engine_api import call
from tests.fleet.fleet import Fleet
from tests.fleet.host import Host
from tests.fleet.processes import Process
from tests.images.catalog import BUSYBOX

NAME = "somebody-elses"


@dataclass(frozen=True, slots=True)
class Sighting:
    """`disk` changes when the host is wiped. `engine` is the engine's process; another one rightly starts it again."""

    disk: str
    engine: Process | None
    id: str
    started: str
    restarts: int
    labels: str


def settle_foreigners(fleet: Fleet) -> dict[str, Sighting]:
    """Makes sure that every host has one, running; returns what was seen of each."""
    return dict(zip(fleet.hosts, fleet.each(_settle), strict=True))


def check_foreigners(fleet: Fleet, before: dict[str, Sighting]) -> None:
    """Raises AssertionError where one was touched. Hosts that are off or were wiped are left out."""
    for host in fleet.hosts.values():
        then = before[host.name]
        if not host.engine_answers() or _disk(host) != then.disk:
            continue
        now = _see(host)
        assert now is not None, f"the foreign container of {host.name} is gone"
        assert (now.id, now.labels) == (then.id, then.labels), f"the foreign container of {host.name} is another one"
        if now.engine == then.engine:
            assert now == then, f"the foreign container of {host.name} was restarted"


def _settle(host: Host) -> Sighting:
    if _see(host) is None:
        volume, label = f"{NAME}:/data", f"{FOREIGN}=yes"
        host.docker("volume", "create", "--label", label, NAME)
        options = ["--name", NAME, "--label", label, "--restart", "always", "--volume", volume, "--init"]
        host.docker("run", "--detach", *options, BUSYBOX, "sleep", "1000000")
    seen = _see(host)
    assert seen is not None
    return seen


def _see(host: Host) -> Sighting | None:
    filters = f'{{"name":["^/{NAME}$"]}}'.replace('"', "%22").replace("^", "%5E")
    listed = json.loads(call(host.socket, "GET", f"/containers/json?all=1&filters={filters}"))
    if not listed:
        return None
    found = json.loads(call(host.socket, "GET", f"/containers/{listed[0]['Id']}/json"))
    labels = json.dumps(found["Config"]["Labels"], sort_keys=True)
    state = (found["Id"], found["State"]["StartedAt"], found["RestartCount"])
    return Sighting(_disk(host), host.engine_process(), *state, labels)


def _disk(host: Host) -> str:
    return (host.folder / "ssh" / "host_key.pub").read_text()
