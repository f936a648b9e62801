"""One project with an app of each kind, on three real hosts, and what tests ask of it from outside."""

import http.client
from pathlib import Path

from declare.model.canonical import Json
from tests.acceptance.project import Project
from tests.fleet import Fleet

DOMAIN = "shop.test"
WEB: dict[str, Json] = {
    "image": "declare-test/web:1",
    "replicas": 3,
    "port": 8000,
    "routes": [DOMAIN],
    "healthcheck": {"path": "/up"},
    "update": {"settle": "500ms", "healthy_within": "20s"},
}
APPS: dict[str, Json] = {
    "web": WEB,
    "echo": {"image": "declare-test/tcp:1", "port": 8000, "healthcheck": {"tcp": True}},
    "agent": {
        "image": "declare-test/busybox:1",
        "command": ["sleep", "86400"],
        "mode": "global",
        "update": {"settle": "0s"},
    },
    "db": {
        "image": "declare-test/web:1",
        "port": 8000,
        "volumes": ["data:/data"],
        "healthcheck": {"path": "/up"},
    },
    "admin": {
        "image": "declare-test/web:1",
        "ports": {"http": 8000},
        "publish": ["8443:8000"],
        "healthcheck": {"path": "/up"},
    },
}


def proxied(*hosts: str) -> dict[str, Json]:
    """The inventory's part for nginx on these hosts."""
    return {"proxy": {"hosts": list(hosts), "image": "declare-test/nginx:1.22", "listen": {"http": 80}}}


def make_shop(fleet: Fleet, folder: Path, *, apps: dict[str, Json] | None = None) -> Project:
    """The project, written but not applied."""
    project = Project.on_fleet(fleet, folder, name="shop")
    project.write(apps=APPS if apps is None else apps, inventory=proxied("h1"))
    return project


def containers(fleet: Fleet, *, project: str = "shop", states: str = "-a") -> dict[str, list[str]]:
    """The names of the project's replicas and proxies on each host, sorted."""
    found = {}
    for host in fleet.hosts.values():
        ours = f"label=declare.project={project}"
        listed = host.docker("ps", states, "--filter", ours, "--format", "{{.Names}}").split()
        found[host.name] = sorted(name for name in listed if "." not in name.removesuffix(".failed"))
    return found


def names(fleet: Fleet, *, project: str = "shop", states: str = "-a") -> list[str]:
    """The same over all hosts."""
    return sorted(name for listed in containers(fleet, project=project, states=states).values() for name in listed)


def ask(address: str, path: str = "/", *, port: int = 80, host: str = DOMAIN) -> tuple[int, str]:
    """One GET; status and body."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()
