"""What one look at the fleet must cost, and what it must not take for a dead host."""

from declare.engine.connect import open_reader
from declare.fleet.observe import Look, observe
from declare.model.engine import ContainerRequest, EngineWriter
from declare.model.inventory import EngineAddress, Host
from declare.model.labels import write_labels
from declare.model.names import EMPTY_IMAGE
from declare.model.observed import Ownership
from tests.fleet import Fleet
from tests.fleet.fronts import Fronts
from tests.memory.conftest import Engines, open_real
from tests.memory.test_record import settle

IDLE = {"command": ["-"], "network_mode": "none"}


def make_replicas(engine: EngineWriter, count: int) -> None:
    for number in range(1, count + 1):
        labels = write_labels(Ownership("shop", "replica", app="web", replica=str(number), generation=1))
        engine.create_container(ContainerRequest(f"shop-web-{number}-1", EMPTY_IMAGE, labels, IDLE))


def test_a_host_with_an_identity_and_no_record_yet_must_count_as_reachable(engines: Engines) -> None:
    settle(engines)
    found = observe(engines, Look("shop"))
    assert [host.reachable for host in found.hosts] == [True, True, True]
    assert found.record is None


def test_a_look_must_ask_an_engine_for_its_description_once_and_for_no_file_unasked(clean_fleet: Fleet) -> None:
    host = clean_fleet.hosts["h1"]
    writer = open_real("h1", host.engine_tcp)
    settle({"h1": writer})
    make_replicas(writer, 12)
    with Fronts(clean_fleet) as fronts:
        url = fronts.proxies["h1"].url.removeprefix("tcp://")
        reader = open_reader(Host("h1", EngineAddress("tcp", url, insecure=True)))
        found = observe({"h1": reader}, Look("shop", read_record=False))
        reader.close()
    writer.close()
    assert len([container for container in found.hosts[0].containers if container.owner]) == 13
    paths = [request.path.partition("?")[0].rpartition("/")[2] for request in fronts.journal.requests]
    assert paths.count("info") == 1
    assert "archive" not in paths
