"""The record must come back as it was written, whatever happened to the last writing of it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from declare.fleet.observe import Look, observe
from declare.fleet.record import (
    FOLDER,
    decode_record,
    encode_record,
    find_record_container,
    leave_identity,
    write_record,
)
from declare.model.engine import FileContent
from declare.model.names import EMPTY_IMAGE
from declare.model.record import AppRecord, KnownHost, PlacedReplica, Record, Revision
from tests.memory.conftest import Engines

RECORD = Record(
    project="shop",
    sequence=7,
    key="ab" * 32,
    hosts={"h1": KnownHost("ID:1", "token")},
    placements=(PlacedReplica("web", "1", "h1", "shop-web-1-1", (("http", 20001),), ((5432, "10.0.0.1", "tcp"),)),),
    apps={"web": AppRecord({"image": "web:1"}, (Revision(1, {"image": "web:1"}, result="succeeded"),))},
    routes={"shop.example.com": ("web/1",)},
)


def settle(engines: Engines) -> None:
    for name, engine in engines.items():
        engine.import_empty_image(EMPTY_IMAGE)
        leave_identity(engine, "shop", f"token-{name}")


def test_a_record_must_survive_encoding() -> None:
    assert decode_record(encode_record(RECORD)) == RECORD


@given(st.integers(0, 2000), st.binary(max_size=8))
def test_a_torn_record_must_be_no_record(at: int, junk: bytes) -> None:
    whole = encode_record(RECORD)
    torn = whole[: at % len(whole)] + junk
    assert torn == whole or decode_record(torn) is None


def test_a_written_record_must_be_found_by_the_next_look(engines: Engines) -> None:
    settle(engines)
    hosts = observe(engines, Look("shop")).hosts
    assert write_record(engines, hosts, RECORD) == ["h1", "h2", "h3"]
    found = observe(engines, Look("shop"))
    assert found.record == RECORD
    assert [host.token for host in found.hosts] == ["token-h1", "token-h2", "token-h3"]


def test_the_newest_record_must_win(engines: Engines) -> None:
    settle(engines)
    hosts = observe(engines, Look("shop")).hosts
    write_record(engines, hosts, RECORD)
    newer = replace(RECORD, sequence=8)
    write_record(engines, hosts[2:], newer)
    assert observe(engines, Look("shop")).record == newer


def test_a_torn_write_must_leave_the_record_before(engines: Engines) -> None:
    settle(engines)
    hosts = observe(engines, Look("shop")).hosts
    write_record(engines, hosts, RECORD)
    for host in hosts:
        container = find_record_container(host.containers, "shop")
        assert container
        engines[host.name].write_files(container.id, FOLDER, {"record-0.json": FileContent(b'{"sha256": "12')})
    assert observe(engines, Look("shop")).record == RECORD


def test_another_projects_record_must_not_be_read(engines: Engines) -> None:
    settle(engines)
    write_record(engines, observe(engines, Look("shop")).hosts, RECORD)
    assert observe(engines, Look("blog")).record is None


def test_a_host_must_keep_the_identity_it_was_given_first(engines: Engines) -> None:
    settle(engines)
    assert leave_identity(engines["h1"], "shop", "another") == "token-h1"
