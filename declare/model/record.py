"""The record: what no label can hold, kept on the hosts themselves. It never holds a secret's value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from declare.model.canonical import Json


@dataclass(frozen=True, slots=True)
class KnownHost:
    """A host as it was first met: its engine's ID and the token left on it."""

    engine_id: str
    token: str


@dataclass(frozen=True, slots=True, order=True)
class PlacedReplica:
    """Where a replica was put. `ports` are name and host port, `published` host port, IP and protocol."""

    app: str
    replica: str
    host: str
    container: str
    ports: tuple[tuple[str, int], ...] = ()
    published: tuple[tuple[int, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """One spec of an app as it was applied. `result`: how it ended."""

    number: int
    spec: Mapping[str, Json]
    image_id: str = ""
    digest: str = ""
    applied_at: str = ""
    applied_by: str = ""
    git: str = ""
    run: str = ""
    result: Literal["applying", "succeeded", "failed", "rolled back"] = "applying"
    cause: str = ""


@dataclass(frozen=True, slots=True)
class AppRecord:
    """What is remembered of an app: its spec as last applied (all fields, unlike the label), and earlier revisions."""

    spec: Mapping[str, Json]
    revisions: tuple[Revision, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """`sequence` grows with each write; the highest complete one wins. `key` is the fingerprint key, hexadecimal."""

    project: str
    sequence: int
    key: str
    hosts: Mapping[str, KnownHost] = field(default_factory=dict)
    placements: tuple[PlacedReplica, ...] = ()
    apps: Mapping[str, AppRecord] = field(default_factory=dict)
    routes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
