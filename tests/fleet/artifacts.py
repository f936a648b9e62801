"""What one wants to see after a test failed: containers, logs of containers, engines and sshd."""

import json
from pathlib import Path

from tests.fleet.engine_api import call
from tests.fleet.errors import FleetError
from tests.fleet.fleet import Fleet
from tests.fleet.host import Host

ENOUGH = 200_000  # bytes of each log, from its end


def save_artifacts(fleet: Fleet, folder: Path) -> None:
    for host in fleet.hosts.values():
        target = folder / host.name
        target.mkdir(parents=True, exist_ok=True)
        for log in host.folder.glob("*.log"):
            (target / log.name).write_bytes(log.read_bytes()[-ENOUGH:])
        try:
            _save_containers(host, target)
        except (OSError, FleetError) as error:
            (target / "containers.txt").write_text(f"{error}\n")


def _save_containers(host: Host, target: Path) -> None:
    listed = json.loads(call(host.socket, "GET", "/containers/json?all=1", timeout=5))
    (target / "containers.json").write_text(json.dumps(listed, indent=2))
    for container in listed:
        name = container["Names"][0].strip("/") if container["Names"] else container["Id"]
        lines = call(host.socket, "GET", f"/containers/{container['Id']}/logs?stdout=1&stderr=1&tail=200", timeout=5)
        (target / f"{name}.log").write_bytes(lines)
