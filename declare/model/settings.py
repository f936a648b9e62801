"""The settings of a container that can be altered by hand after create, in manifest terms: what each must be.

They are those of `docker update`: the restart policy and the limits. Everything else is fixed when it is created.
"""

from collections.abc import Mapping

from declare.model.canonical import Json
from declare.model.quantity import format_size, parse_duration, parse_size

SIZES = ("mem_limit", "mem_reservation", "memswap_limit")
MICROSECONDS = ("cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime")
BLKIO_WEIGHT = "blkio_config.weight"


def declared_settings(spec: Mapping[str, Json]) -> dict[str, Json]:
    """What the settings of a container with this spec must be; only those that the spec sets, and `restart`.

    Comparable, value by value, with `Container.settings`. A setting that is missing there is one that the engine
    can't tell, and no difference.
    """
    settings: dict[str, Json] = {"restart": canonical_restart(spec.get("restart"))}
    settings |= {name: normalize(name, spec[name]) for name in _PLAIN if spec.get(name) is not None}
    weight = (spec.get("blkio_config") or {}).get("weight")
    if weight:
        settings[BLKIO_WEIGHT] = int(weight)
    resources = spec.get("resources") or {}
    if resources.get("memory") and "mem_limit" not in settings:
        settings["mem_limit"] = normalize("mem_limit", resources["memory"])
    if resources.get("cpus") and not settings.keys() & {"cpus", "cpu_period", "cpu_quota"}:
        settings["cpus"] = normalize("cpus", resources["cpus"])
    return {name: value for name, value in sorted(settings.items()) if name == "restart" or not _is_unset(name, value)}


_PLAIN = ("cpus", "cpu_shares", "cpuset", "pids_limit", *SIZES, *MICROSECONDS)


def normalize(name: str, value: Json) -> Json:
    """One form for each value, whichever form the manifest or the engine has."""
    if name in SIZES:
        size = -1 if str(value) == "-1" else parse_size(_number(value))
        return -1 if size < 0 else format_size(size)
    if name in MICROSECONDS:
        return parse_microseconds(value)
    if name == "cpus":
        cpus = round(float(value), 9)
        return int(cpus) if cpus == int(cpus) else cpus
    if name == "pids_limit":
        return max(int(value), 0) or -1
    return int(value) if name == "cpu_shares" else value


def _number(value: Json) -> int | str:
    return int(value) if isinstance(value, float) else value


def parse_microseconds(value: Json) -> int:
    """Microseconds of 50000, "50000" or "50ms"."""
    text = str(value)
    return int(text) if text.lstrip("-").isdecimal() else round(parse_duration(text) * 1_000_000)


def canonical_restart(value: Json) -> str:
    """The restart policy; `unless-stopped` where none is given, and no count where it is unlimited."""
    return "unless-stopped" if value is None else str(value).removesuffix(":0")


def _is_unset(name: str, value: Json) -> bool:
    # For the engine a zero is "not given", and its reply then holds what it chose itself.
    return value in (0, "", "0B") or (name == "cpu_quota" and value < 0)
