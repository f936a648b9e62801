"""The labels on declare's own containers: the only memory that a container carries. One meaning a line."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import cast

from declare.model.canonical import Json, canonical_json
from declare.model.observed import Ownership, PortBinding, Role

PREFIX = "declare."
FORMAT = "declare.format"  # version of this table
PROJECT = "declare.project"  # owner
ROLE = "declare.role"  # replica, proxy, record or lock
APP = "declare.app"
REPLICA = "declare.replica"  # "1".. or the host's name for a global app
GENERATION = "declare.generation"  # grows with each placement; the highest wins
REVISION = "declare.revision"  # of the app
PORTS = "declare.ports"  # the bindings, JSON
OPERATION = "declare.operation"  # which apply made it: finds a create whose reply was lost
SPEC = "declare.spec"  # the applied container spec, JSON, in pieces of less than 4 KiB: .spec, .spec.1, …

_FORMAT_VERSION = "1"
_PIECE = 3800
SPEC_LIMIT = 28 * 1024


def write_labels(owner: Ownership) -> dict[str, str]:
    """The labels of a container with this owner. Raises ValueError if the spec is larger than SPEC_LIMIT bytes."""
    labels = {
        FORMAT: _FORMAT_VERSION,
        PROJECT: owner.project,
        ROLE: owner.role,
        GENERATION: str(owner.generation),
        OPERATION: owner.operation,
    }
    if owner.app:
        labels |= {APP: owner.app, REPLICA: owner.replica, REVISION: str(owner.revision)}
    if owner.ports:
        labels[PORTS] = canonical_json([asdict(port) for port in owner.ports])
    return labels | _split(dict(owner.spec))


def read_labels(labels: Mapping[str, str]) -> Ownership | None:
    """Who owns a container with these labels; None if they are not ours or can't be understood."""
    if labels.get(FORMAT) != _FORMAT_VERSION or labels.get(ROLE) not in (
        "replica",
        "proxy",
        "record",
        "lock",
    ):
        return None
    try:
        return Ownership(
            project=labels[PROJECT],
            role=cast(Role, labels[ROLE]),
            app=labels.get(APP, ""),
            replica=labels.get(REPLICA, ""),
            generation=int(labels[GENERATION]),
            revision=int(labels.get(REVISION, "0")),
            spec=_join(labels),
            ports=tuple(PortBinding(**port) for port in json.loads(labels.get(PORTS, "[]"))),
            operation=labels.get(OPERATION, ""),
        )
    except (KeyError, ValueError, TypeError):
        return None


def _split(spec: Mapping[str, Json]) -> dict[str, str]:
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"))
    if len(text) > SPEC_LIMIT:
        raise ValueError(f"its settings take {len(text)} bytes; {SPEC_LIMIT} fit into a container's labels")
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    return {SPEC if n == 0 else f"{SPEC}.{n}": piece for n, piece in enumerate(pieces)}


def _join(labels: Mapping[str, str]) -> dict[str, Json]:
    pieces, n = [labels.get(SPEC, "{}")], 1
    while (piece := labels.get(f"{SPEC}.{n}")) is not None:
        pieces.append(piece)
        n += 1
    spec = json.loads("".join(pieces))
    if not isinstance(spec, dict):
        raise ValueError("the spec is not a mapping")
    return spec
