"""The entries of `volumes`, short and long, as the engine's binds and mounts."""

from collections.abc import Mapping, Sequence
from typing import Any

from declare.model.canonical import Json
from declare.model.quantity import parse_size


def build_mounts(entries: Sequence[Json], names: Mapping[str, str]) -> dict[str, Any]:
    """Host paths become binds, which make a missing folder as Compose does; all else mounts. `names`: Docker's names."""
    binds, mounts = [], []
    for entry in entries:
        mount = parse_short(entry) if isinstance(entry, str) else entry
        if mount["type"] == "bind" and (mount.get("bind") or {}).get("create_host_path", True):
            binds.append(_bind(mount))
        else:
            mounts.append(_mount(mount, names))
    return ({"Binds": binds} if binds else {}) | ({"Mounts": mounts} if mounts else {})


def parse_short(entry: str) -> dict[str, Json]:
    """ "data:/var/lib/app:ro" in the long form."""
    parts = entry.split(":")
    if len(parts) == 1:
        return {"type": "volume", "target": entry}
    source, target, *modes = parts
    options = set(",".join(modes).split(",")) - {"", "rw"}
    mount: dict[str, Json] = {"type": _kind(source), "source": source, "target": target, "read_only": "ro" in options}
    if mount["type"] == "bind":
        mount["bind"] = {"modes": sorted(options - {"ro"})}
    elif "nocopy" in options:
        mount["volume"] = {"nocopy": True}
    return mount


def _kind(source: str) -> str:
    return "bind" if source.startswith(("/", ".", "~")) else "volume"


def _bind(mount: Mapping[str, Json]) -> str:
    options = mount.get("bind") or {}
    modes = [*options.get("modes", ()), options.get("propagation"), options.get("selinux")]
    chosen = ["ro" if mount.get("read_only") else "rw", *(mode for mode in modes if mode)]
    return f"{mount['source']}:{mount['target']}:{','.join(chosen)}"


def _mount(mount: Mapping[str, Json], names: Mapping[str, str]) -> dict[str, Any]:
    kind, source = mount["type"], mount.get("source") or ""
    made: dict[str, Any] = {"Type": kind, "Target": mount["target"], "ReadOnly": bool(mount.get("read_only"))}
    if kind == "volume":
        made["Source"] = names.get(source, source)
        options = mount.get("volume") or {}
        made["VolumeOptions"] = {"NoCopy": bool(options.get("nocopy"))}
        if options.get("subpath"):
            made["VolumeOptions"]["Subpath"] = options["subpath"]
    elif kind == "tmpfs":
        options = mount.get("tmpfs") or {}
        limits = {"SizeBytes": parse_size(options["size"])} if "size" in options else {}
        made["TmpfsOptions"] = limits | ({"Mode": int(str(options["mode"]), 8)} if "mode" in options else {})
    else:
        made["Source"] = source
        made["BindOptions"] = {"Propagation": (mount.get("bind") or {}).get("propagation") or "rprivate"}
    return made
