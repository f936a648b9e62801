"""What an engine's own settings fill in is no difference, and no reason to replace anything."""

import json
from collections.abc import Iterator

import pytest

from declare.model.canonical import Json
from tests.acceptance.cases import BASE
from tests.acceptance.project import Project
from tests.fleet import Fleet, Host

OPINIONS: dict[str, Json] = {
    "log-driver": "json-file",
    "log-opts": {"max-size": "5m", "max-file": "2"},
    "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 2048}},
    "default-shm-size": "32M",
    "default-cgroupns-mode": "private",
    "init": True,
    "dns": ["10.0.0.2"],
    "dns-search": ["engine.test"],
    "no-new-privileges": True,
}

APPS: dict[str, Json] = {
    "nothing": {},
    "limits": {"ulimits": {"nproc": 4096}},
    "log": {"logging": {"options": {"max-size": "1m"}}},
    "log-driver": {"logging": {"driver": "json-file"}},
    "memory": {"shm_size": "1m", "resources": {"memory": "64m"}},
    "names": {"dns": ["10.0.0.3"], "init": False},
    "no-init": {"init": False},
}


def hold_opinions(host: Host, opinions: Json) -> None:
    """An engine that is told so in its daemon.json; None: one that is told nothing."""
    told = host.folder / "etc-docker" / "daemon.json"
    if opinions is None:
        told.unlink(missing_ok=True)
    else:
        told.write_text(json.dumps(opinions))
    host.restart_engine()


@pytest.fixture
def opinionated_fleet(clean_fleet: Fleet) -> Iterator[Fleet]:
    """The engine of h1 has settings of its own, those of the others have none."""
    host = clean_fleet.hosts["h1"]
    hold_opinions(host, OPINIONS)
    yield clean_fleet
    hold_opinions(host, None)


def declared(project: Project) -> Project:
    everywhere = {name: {**BASE, "mode": "global", **app} for name, app in APPS.items()}
    project.write(apps=everywhere)
    return project


def test_what_an_engine_fills_in_is_no_difference(opinionated_fleet: Fleet, project: Project) -> None:
    assert declared(project).apply().reached
    after = project.plan().plan
    assert (after.is_empty, after.drift) == (True, ())
    config = "{{.HostConfig.LogConfig.Config}}"
    told = opinionated_fleet.hosts["h1"].docker("inspect", "--format", config, f"{project.name}-nothing-h1-1")
    assert told == "map[max-file:2 max-size:5m]"


def test_an_engine_that_changes_its_mind_changes_no_container(clean_fleet: Fleet, project: Project) -> None:
    assert declared(project).apply().reached
    host = clean_fleet.hosts["h1"]
    try:
        hold_opinions(host, OPINIONS)
        after = project.plan().plan
        assert (after.is_empty, after.drift) == (True, ())
    finally:
        hold_opinions(host, None)
