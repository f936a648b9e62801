"""Three engines that a fleet's memory is kept on: fakes, and the real ones, under the same tests."""

from collections.abc import Iterator

import pytest

from declare.engine.connect import open_writer
from declare.model.engine import EngineWriter
from declare.model.inventory import EngineAddress, Host
from tests.fake_engine import FakeEngine, FakeWriter
from tests.fleet import Fleet

Engines = dict[str, EngineWriter]


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.fleet)])
def engines(request: pytest.FixtureRequest) -> Iterator[Engines]:
    if request.param == "fake":
        yield {name: FakeWriter(FakeEngine(name)) for name in ("h1", "h2", "h3")}
        return
    fleet: Fleet = request.getfixturevalue("clean_fleet")
    opened: Engines = {name: open_real(name, host.engine_tcp) for name, host in fleet.hosts.items()}
    yield opened
    for engine in opened.values():
        engine.close()


def open_real(name: str, url: str) -> EngineWriter:
    return open_writer(Host(name, EngineAddress("tcp", url.removeprefix("tcp://"), insecure=True)))
