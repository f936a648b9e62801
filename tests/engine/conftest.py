"""An engine to hold to the contract: the fake, or a real host of the fleet, emptied of what the test made."""

from collections.abc import Iterator
from typing import Any

import pytest

from declare.engine.connect import open_writer
from declare.model.engine import EngineWriter
from declare.model.inventory import EngineAddress, Host
from tests.fake_engine import FakeEngine, FakeWriter
from tests.fleet import Fleet

PREFIX = "contract-"


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.fleet)])
def engine(request: pytest.FixtureRequest) -> Iterator[EngineWriter]:
    if request.param == "fake":
        yield FakeWriter(FakeEngine(address="127.0.0.1"))
        return
    fleet: Fleet = request.getfixturevalue("fleet")
    writer = open_writer(tcp_host(fleet, "h1"))
    sweep(writer)
    yield writer
    sweep(writer)
    writer.close()


def tcp_host(fleet: Fleet, name: str, **settings: Any) -> Host:
    return Host(name, EngineAddress("tcp", f"{fleet.hosts[name].address}:2375", insecure=True, **settings))


def sweep(writer: EngineWriter) -> None:
    for container in writer.list_containers():
        if container.name.startswith(PREFIX):
            writer.remove_container(container.id, force=True)
    for volume in writer.list_volumes():
        if volume.startswith(PREFIX):
            writer.remove_volume(volume)
