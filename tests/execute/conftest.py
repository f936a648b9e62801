"""A world for each test; what would only make a test wait is short."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from declare.proxy.deliver import swap
from tests.execute.world import World

PATIENCE = {
    "declare.execute.balancer.RELOAD_INTERVAL": 0.0,
    "declare.execute.balancer._GATHERING": 0.001,
    "declare.execute.health._FIRST_PAUSE": 0.002,
    "declare.execute.health._STILL_OPEN": 0.02,
    "declare.fleet.lock._POLL": 0.01,
    "declare.execute.proxies.swap": partial(swap, seconds=0.3),
    "declare.proxy.container.ACK_TIMEOUT": 0.3,
    "declare.proxy.deliver.ACK_TIMEOUT": 0.3,
    "declare.proxy.deliver._POLL": 0.005,
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in PATIENCE.items():
        monkeypatch.setattr(name, value)
    made = World.build(tmp_path)
    monkeypatch.setattr("declare.engine.connect.open_reader", made.open_reader)
    monkeypatch.setattr("declare.engine.connect.open_writer", made.open_writer)
    yield made
    assert made.dropped == [], "stopped while nginx still sent requests to it"
