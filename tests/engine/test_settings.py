"""Settings as real engines keep them: what was declared is found again, an alteration by hand is found and undone."""

from collections.abc import Iterator

import pytest

from declare.engine.connect import open_writer
from declare.engine.write import Writer
from declare.model.canonical import Json
from declare.model.engine import ContainerRequest
from declare.model.settings import declared_settings
from tests.engine.conftest import PREFIX, sweep, tcp_host
from tests.fleet import Fleet

pytestmark = pytest.mark.fleet

SPECS: list[dict[str, Json]] = [
    {},
    {"restart": "no"},
    {"restart": "always"},
    {"restart": "on-failure"},
    {"restart": "on-failure:7"},
    {"cpus": 0.1},
    {"cpus": 0.333333333},
    {"cpus": 1.05},
    {"cpus": 2},
    {"resources": {"cpus": 0.7, "memory": "64MiB"}},
    {"resources": {"memory": "64MiB"}, "mem_limit": "100000001B"},
    {"resources": {"cpus": 0.5}, "cpu_quota": 20000},
    {"mem_limit": "1GiB"},
    {"mem_limit": "64MiB", "mem_reservation": "48MiB"},
    {"mem_limit": "64MiB", "memswap_limit": "64MiB"},
    {"mem_limit": "64MiB", "memswap_limit": -1},
    {"mem_limit": "64MiB", "memswap_limit": "100MiB"},
    {"mem_reservation": "32MiB"},
    {"cpu_shares": 512},
    {"cpu_shares": 0},
    {"cpuset": "0"},
    {"cpuset": "0-1"},
    {"cpuset": "0,1"},
    {"cpu_period": 50000},
    {"cpu_period": 50000, "cpu_quota": 20000},
    {"cpu_quota": -1},
    {"pids_limit": 100},
    {"pids_limit": 0},
    {"pids_limit": -1},
    {"blkio_config": {"weight": 300}},
    {"oom_kill_disable": True, "mem_limit": "64MiB"},
    {"mem_swappiness": 10},
]


@pytest.fixture
def writer(fleet: Fleet) -> Iterator[Writer]:
    writer = open_writer(tcp_host(fleet, "h1"))
    sweep(writer)
    yield writer
    sweep(writer)
    writer.close()


def make(writer: Writer, spec: dict[str, Json]) -> str:
    return writer.create_container(ContainerRequest(f"{PREFIX}settings", "declare-test/web:1", spec=spec))


def differences(writer: Writer, container_id: str, spec: dict[str, Json]) -> dict[str, tuple[Json, Json]]:
    found = writer.inspect_container(container_id).settings or {}
    return {
        name: (wanted, found[name])
        for name, wanted in declared_settings(spec).items()
        if name in found and found[name] != wanted
    }


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_what_was_declared_is_found_again_without_a_difference(writer: Writer, spec: dict[str, Json]) -> None:
    container_id = make(writer, spec)
    assert differences(writer, container_id, spec) == {}
    writer.start_container(container_id)
    assert differences(writer, container_id, spec) == {}


ALTERED: dict[str, tuple[Json, Json]] = {
    "restart": ("always", "no"),
    "cpus": (0.5, 1.25),
    "mem_limit": ("64MiB", "96MiB"),
    "mem_reservation": ("32MiB", "16MiB"),
    "cpu_shares": (512, 256),
    "cpuset": ("0", "0-1"),
    "cpu_period": (50000, 100000),
    "cpu_quota": (20000, 30000),
    "pids_limit": (100, 50),
}


@pytest.mark.parametrize("name", ALTERED)
def test_an_alteration_is_a_difference_until_it_is_put_back(writer: Writer, name: str) -> None:
    declared, altered = ALTERED[name]
    spec: dict[str, Json] = {"restart": "always", name: declared}
    container_id = make(writer, spec)
    writer.start_container(container_id)
    writer.update_container(container_id, {name: altered} | ({"memswap_limit": -1} if name == "mem_limit" else {}))
    assert differences(writer, container_id, spec) == {name: (declared, altered)}
    writer.update_container(container_id, declared_settings(spec))
    assert differences(writer, container_id, spec) == {}
