"""The entries of `volumes`, short and long, as the engine's binds and mounts."""

from collections.abc import Mapping, Sequence
from typing import Any

from declare.model.canonical import Json
from declare.model.quantity import parse_size


def build_mounts(entries: Sequence[Json], names: Mapping[str, str]) -> dict[str, Any]:
    """The HostConfig's Binds and Mounts. `names`: Docker's name of each volume, by the manifest's.

    Host paths become binds, which make a missing folder as Compose does; so does what only a bind's text can say.
    """
    binds, mounts = [], []
    for entry in entries:
        mount = _expand(entry) if isinstance(entry, str) else {**entry}
        if mount["type"] == "volume" and "source" in mount:
            mount["source"] = names.get(mount["source"], mount["source"])
        options = mount.get("bind", {})
        if options.get("selinux") or (mount["type"] == "bind" and options.get("create_host_path", True)):
            binds.append(_bind(mount, options))
        else:
            mounts.append(_mount(mount))
    return ({"Binds": binds} if binds else {}) | ({"Mounts": mounts} if mounts else {})


def _expand(entry: str) -> dict[str, Json]:
    """The long form of "data:/var/lib/app:ro" or "/anonymous"."""
    *source, target = entry.removesuffix(":ro").split(":")
    mount: dict[str, Json] = {"type": "volume", "target": target, "read_only": entry.endswith(":ro")}
    if source:
        mount |= {"type": "bind" if source[0].startswith("/") else "volume", "source": source[0]}
    return mount


def _bind(mount: Mapping[str, Json], options: Mapping[str, Json]) -> str:
    chosen = ["ro" if mount.get("read_only") else "rw", options.get("propagation"), options.get("selinux")]
    if mount.get("volume", {}).get("nocopy"):
        chosen.append("nocopy")
    return f"{mount['source']}:{mount['target']}:{','.join(filter(None, chosen))}"


def _mount(mount: Mapping[str, Json]) -> dict[str, Any]:
    kind, source = mount["type"], mount.get("source", "")
    options = mount.get(kind, {})
    made: dict[str, Any] = {"Type": kind, "Target": mount["target"], "ReadOnly": mount.get("read_only", False)}
    if kind == "volume":
        subpath = {"Subpath": options["subpath"]} if "subpath" in options else {}
        made |= {"Source": source, "VolumeOptions": {"NoCopy": options.get("nocopy", False), **subpath}}
    elif kind == "bind":
        made |= {"Source": source, "BindOptions": {"Propagation": options.get("propagation", "rprivate")}}
    else:
        limits = {"SizeBytes": parse_size(options["size"])} if "size" in options else {}
        made["TmpfsOptions"] = limits | ({"Mode": int(options["mode"], 8)} if "mode" in options else {})
    return made
