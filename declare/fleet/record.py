"""The record on the hosts: written twice over in turn, so that a torn write never costs the one before."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from declare.model import labels, names
from declare.model.canonical import canonical_json
from declare.model.engine import ContainerRequest, EngineReader, EngineWriter, FileContent
from declare.model.errors import Conflict, HostError, NotFound
from declare.model.observed import Container, ObservedHost, Ownership
from declare.model.record import AppRecord, KnownHost, PlacedReplica, Record, Revision

FOLDER = "/declare"
TOKEN = "declare.token"
COPIES = 5


def encode_record(record: Record) -> bytes:
    """One line of JSON with a checksum over it."""
    text = canonical_json(asdict(record))
    return canonical_json({"sha256": hashlib.sha256(text.encode()).hexdigest(), "record": text}).encode()


def decode_record(content: bytes) -> Record | None:
    """The record in a file; None if the file is torn, or of a format that this version can't read."""
    try:
        outer = json.loads(content)
        text = outer["record"]
        if hashlib.sha256(text.encode()).hexdigest() != outer["sha256"]:
            return None
        return _record(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _record(value: Mapping[str, Any]) -> Record:
    return Record(
        project=value["project"],
        sequence=value["sequence"],
        key=value["key"],
        hosts={name: KnownHost(**host) for name, host in value["hosts"].items()},
        placements=tuple(_placement(placed) for placed in value["placements"]),
        apps={
            name: AppRecord(app["spec"], tuple(Revision(**revision) for revision in app["revisions"]))
            for name, app in value["apps"].items()
        },
        routes={route: tuple(replicas) for route, replicas in value["routes"].items()},
    )


def _placement(value: Mapping[str, Any]) -> PlacedReplica:
    ports = tuple((name, port) for name, port in value["ports"])
    published = tuple((port, ip, protocol) for port, ip, protocol in value["published"])
    return PlacedReplica(**{**value, "ports": ports, "published": published})


def find_record_container(containers: Sequence[Container], project: str) -> Container | None:
    """The never-started container that carries a project's identity token, and perhaps its record."""
    name = names.record_container(project)
    return next((c for c in containers if c.name == name and c.owner and c.owner.project == project), None)


def read_record(engine: EngineReader, container: Container) -> Record | None:
    """The newest complete record in one container; None also where none was ever written to it."""
    try:
        files = engine.read_files(container.id, FOLDER)
    except NotFound:
        return None
    return newest(decode_record(content) for _, content in sorted(files.items()))


def newest(records: Any) -> Record | None:
    """The record with the highest sequence among those that could be read."""
    return max((record for record in records if record), key=lambda record: record.sequence, default=None)


def write_record(engines: Mapping[str, EngineWriter], hosts: Sequence[ObservedHost], record: Record) -> list[str]:
    """Write it to up to five hosts at once, to the next ones where one fails; the names of those that have it now.

    Raises the last error if none has.
    """
    written: list[str] = []
    failure: HostError | None = None
    waiting = list(hosts)
    with ThreadPoolExecutor(max_workers=COPIES, thread_name_prefix="record") as pool:
        while waiting and len(written) < COPIES:
            missing = COPIES - len(written)
            chosen, waiting = waiting[:missing], waiting[missing:]
            futures = {host.name: pool.submit(_write, engines[host.name], host, record) for host in chosen}
            for name, future in futures.items():
                try:
                    future.result()
                    written.append(name)
                except HostError as error:
                    failure = error
    if failure and not written:
        raise failure
    return written


def _write(engine: EngineWriter, host: ObservedHost, record: Record) -> None:
    container = find_record_container(host.containers, record.project)
    container_id = container.id if container else _find_by_name(engine, record.project)
    file = f"record-{record.sequence % 2}.json"
    engine.write_files(container_id, FOLDER, {file: FileContent(encode_record(record), mode=0o600)})


def _find_by_name(engine: EngineReader, project: str) -> str:
    container = find_record_container(engine.list_containers(), project)
    if container is None:
        raise Conflict(engine.host, f"its container {names.record_container(project)} is gone")
    return container.id


def leave_identity(engine: EngineWriter, project: str, token: str) -> str:
    """Put the container with the identity token on a host that has none; the token that counts afterwards."""
    owner = Ownership(project=project, role="record")
    request = ContainerRequest(
        name=names.record_container(project),
        image=names.EMPTY_IMAGE,
        labels=labels.write_labels(owner) | {TOKEN: token},
        spec={"command": ["-"], "network_mode": "none", "restart": "no"},
    )
    try:
        engine.create_container(request)
    except Conflict:
        container = find_record_container(engine.list_containers(), project)
        if container is None:
            raise
        return container.labels.get(TOKEN, "")
    return token
