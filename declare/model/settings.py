"""The settings of a container that can be altered by hand after create, in manifest terms: what each must be.

They are those of `docker update`: the restart policy and the limits. Everything else is fixed when it is created.
"""

from collections.abc import Mapping

from declare.model.canonical import Json
from declare.model.quantity import format_size, parse_size

BLKIO_WEIGHT = "blkio_config.weight"


def declared_settings(spec: Mapping[str, Json]) -> dict[str, Json]:
    """What the settings of a container with this spec must be; only those that the spec sets, and `restart`.

    Comparable, value by value, with `Container.settings`. A setting that is missing there is one that the engine
    can't tell, and no difference.
    """
    settings = {name: normalize(name, spec[name]) for name in _PLAIN if name in spec}
    if "weight" in spec.get("blkio_config", {}):
        settings[BLKIO_WEIGHT] = spec["blkio_config"]["weight"]
    resources = spec.get("resources", {})
    if "memory" in resources and "mem_limit" not in spec:
        settings["mem_limit"] = normalize("mem_limit", resources["memory"])
    if "cpus" in resources and not spec.keys() & {"cpus", "cpu_period", "cpu_quota"}:
        settings["cpus"] = normalize("cpus", resources["cpus"])
    settings = {name: value for name, value in settings.items() if not _is_unset(name, value)}
    return {"restart": canonical_restart(spec.get("restart")), **dict(sorted(settings.items()))}


_SIZES = ("mem_limit", "mem_reservation", "memswap_limit")
_PLAIN = (
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpus",
    "cpuset",
    "pids_limit",
    *_SIZES,
)


def normalize(name: str, value: Json) -> Json:
    """One form for each value, whether the manifest or the engine gave it."""
    if name in _SIZES:
        size = parse_size(value)
        return -1 if size < 0 else format_size(size)
    if name == "cpus":
        cpus = round(float(value), 9)
        return int(cpus) if cpus == int(cpus) else cpus
    return (value if value > 0 else -1) if name == "pids_limit" else value


def canonical_restart(value: Json) -> str:
    """The restart policy; `unless-stopped` where none is given, and no count where it is unlimited."""
    return "unless-stopped" if value is None else str(value).removesuffix(":0")


def _is_unset(name: str, value: Json) -> bool:
    # For the engine a zero is "not given", and its reply then holds what it chose itself.
    return value in (0, "", "0B") or (name == "cpu_quota" and value < 0)
