"""The engine's JSON, parsed into values of the model; whatever is not as documented is an error, never a guess."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from declare.model.app import Resources
from declare.model.canonical import Json
from declare.model.labels import PROJECT, read_labels
from declare.model.observed import Container, EngineInfo, Image, Ownership, PortBinding, Volume
from declare.model.quantity import parse_size
from declare.model.settings import BLKIO_WEIGHT, canonical_restart, normalize

T = TypeVar("T")


class Malformed(Exception):
    """A reply without what it must have."""


def parsed(parse: Callable[..., T], *values: Any, **named: Any) -> T:
    """`parse(…)`, with the many ways in which a strange reply fails turned into Malformed."""
    try:
        return parse(*values, **named)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


def parse_info(info: Mapping[str, Any], api_version: tuple[int, int], asked_at: float) -> EngineInfo:
    """`asked_at`: our clock, in seconds since the epoch, halfway between question and answer."""
    return EngineInfo(
        id=str(info["ID"]),
        version=str(info["ServerVersion"]),
        api_version=".".join(map(str, api_version)),
        cpus=float(info["NCPU"]),
        memory=int(info["MemTotal"]),
        clock_offset=round(datetime.fromisoformat(info["SystemTime"]).timestamp() - asked_at, 3),
        operating_system=str(info.get("OperatingSystem", "")),
        architecture=str(info.get("Architecture", "")),
    )


def parse_listed(host: str, entries: list[Mapping[str, Any]]) -> tuple[Container, ...]:
    """The containers of a list call, by name."""
    return tuple(sorted((_parse_entry(host, entry) for entry in entries), key=lambda container: container.name))


def parse_inspected(host: str, found: Mapping[str, Any], *, untold: frozenset[str] = frozenset()) -> Container:
    """An inspected container. `untold` names the settings of which this engine does not tell what they were set to."""
    state, config, limits = found["State"], found["Config"], found["HostConfig"]
    labels = dict(config.get("Labels") or {})
    owner = read_labels(labels)
    held = [*_bound(limits.get("PortBindings")), *_bound((found.get("NetworkSettings") or {}).get("Ports"))]
    return Container(
        host=host,
        id=str(found["Id"]),
        name=str(found["Name"]).removeprefix("/"),
        state=str(state["Status"]),
        image_id=str(found["Image"]),
        image=str(config.get("Image", "")),
        owner=owner,
        health=(state.get("Health") or {}).get("Status") or None,
        bindings=_with_names(held, owner),
        reserved=_reserved(owner) or Resources(limits.get("NanoCpus", 0) / 1e9, int(limits.get("Memory", 0))),
        settings=_parse_settings(limits, untold),
        exit_code=int(state["ExitCode"]),
        oom_killed=bool(state.get("OOMKilled")),
        restart_count=int(found.get("RestartCount", 0)),
        created_at=str(found.get("Created", "")),
        started_at=str(state.get("StartedAt", "")),
        labels=labels,
    )


def parse_image(found: Mapping[str, Any]) -> Image:
    """An image of a list or of an inspection; only the latter tells of a health check."""
    config = found.get("Config") or found.get("ContainerConfig")
    test = ((config or {}).get("Healthcheck") or {}).get("Test")
    return Image(
        id=str(found["Id"]),
        tags=tuple(sorted(tag for tag in found.get("RepoTags") or () if tag != "<none>:<none>")),
        digests=tuple(sorted(name for name in found.get("RepoDigests") or () if name != "<none>@<none>")),
        has_healthcheck=None if config is None else bool(test) and test != ["NONE"],
    )


def find_untold(info: Mapping[str, Any]) -> frozenset[str]:
    """The settings that an engine with this `/info` drops, where its reply looks as if somebody had altered them."""
    flags = {"memswap_limit": "SwapLimit", "pids_limit": "PidsLimit"}
    return frozenset(name for name, flag in flags.items() if not info.get(flag))


def _parse_entry(host: str, entry: Mapping[str, Any]) -> Container:
    labels = dict(entry.get("Labels") or {})
    owner = read_labels(labels)
    held = [
        PortBinding(int(port["PrivatePort"]), int(port["PublicPort"]), str(port.get("IP", "")), str(port["Type"]))
        for port in entry.get("Ports") or ()
        if port.get("PublicPort")
    ]
    return Container(
        host=host,
        id=str(entry["Id"]),
        name=_own_name(entry.get("Names") or ()),
        state=str(entry["State"]),
        image_id=str(entry["ImageID"]),
        image=str(entry.get("Image", "")),
        owner=owner,
        health=_health_of(str(entry.get("Status", ""))),
        bindings=_with_names(held, owner),
        reserved=_reserved(owner) or Resources(),
        created_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(entry.get("Created", 0)))),
        labels=labels,
    )


def _own_name(names: Sequence[str]) -> str:
    """Without the links of other containers ("/other/alias"); one that is being removed may have no name left."""
    return next((name.removeprefix("/") for name in names if name.count("/") == 1), "")


def _health_of(status: str) -> str | None:
    for text, health in (
        ("(unhealthy)", "unhealthy"),
        ("(healthy)", "healthy"),
        ("(health: starting)", "starting"),
    ):
        if status.endswith(text):
            return health
    return None


def _bound(ports: Mapping[str, Any] | None) -> list[PortBinding]:
    found = []
    for key, bindings in (ports or {}).items():
        port, _, protocol = key.partition("/")
        for binding in bindings or ():
            if binding.get("HostPort", "").isdecimal() and int(binding["HostPort"]):
                host_ip = binding.get("HostIp", "") or "0.0.0.0"
                found.append(PortBinding(int(port), int(binding["HostPort"]), host_ip, protocol or "tcp"))
    return found


def _with_names(held: list[PortBinding], owner: Ownership | None) -> tuple[PortBinding, ...]:
    """The ports held, and those that our label says it holds when started: a stopped container is listed with none."""
    labelled = owner.ports if owner else ()
    known = {replace(port, name="") for port in labelled}
    # "All addresses" is reported once more for IPv6, though it was asked for once.
    twins = {replace(port, host_ip="::") for port in held if port.host_ip == "0.0.0.0"}
    return tuple(sorted({*labelled, *(set(held) - known - twins)}))


def _reserved(owner: Ownership | None) -> Resources | None:
    if owner is None:
        return None
    try:
        resources = owner.spec.get("resources") or {}
        return Resources(float(resources.get("cpus", 0)), parse_size(resources.get("memory", 0)))
    except (ValueError, TypeError, AttributeError):
        return None


def _parse_settings(limits: Mapping[str, Any], untold: frozenset[str]) -> dict[str, Json]:
    policy = limits.get("RestartPolicy") or {}
    name, count = policy.get("Name") or "no", int(policy.get("MaximumRetryCount") or 0)
    settings: dict[str, Json] = {"restart": canonical_restart(f"{name}:{count}" if count else name)}
    for setting, (key, normal) in _SETTINGS.items():
        # Zero is "never set", or dropped by an engine whose kernel can't do it; nobody can set it back to zero.
        if setting not in untold and (value := limits.get(key)):
            settings[setting] = normal(value)
    if "pids_limit" not in untold:
        settings["pids_limit"] = normalize("pids_limit", limits.get("PidsLimit") or -1)
    return settings


_SETTINGS: dict[str, tuple[str, Callable[[Any], Json]]] = {
    BLKIO_WEIGHT: ("BlkioWeight", int),
    "cpu_period": ("CpuPeriod", int),
    "cpu_quota": ("CpuQuota", int),
    "cpu_rt_period": ("CpuRealtimePeriod", int),
    "cpu_rt_runtime": ("CpuRealtimeRuntime", int),
    "cpu_shares": ("CpuShares", int),
    "cpus": ("NanoCpus", lambda nano: normalize("cpus", nano / 1e9)),
    "cpuset": ("CpusetCpus", str),
    "mem_limit": ("Memory", lambda size: normalize("mem_limit", size)),
    "mem_reservation": ("MemoryReservation", lambda size: normalize("mem_reservation", size)),
    "memswap_limit": ("MemorySwap", lambda size: normalize("memswap_limit", size)),
}


def parse_volumes(found: Any) -> dict[str, Volume]:
    """All volumes of an engine, by name."""
    return {str(volume["Name"]): _parse_volume(volume) for volume in found["Volumes"] or ()}


def _parse_volume(volume: Mapping[str, Any]) -> Volume:
    labels = {str(name): str(value) for name, value in (volume.get("Labels") or {}).items()}
    options = {str(name): str(value) for name, value in (volume.get("Options") or {}).items()}
    own = {name: value for name, value in labels.items() if name != PROJECT}
    return Volume(labels.get(PROJECT, ""), str(volume["Driver"]), options, own)
