"""Writes images in the form of `docker save`. Same content, same bytes: no clock, no order of a folder listing."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, a folder or a symbolic link of a layer."""

    path: str
    content: bytes = b""
    mode: int = 0o644
    kind: bytes = tarfile.REGTYPE
    target: str = ""
    owner: int = 0


@dataclass(frozen=True, slots=True)
class Layer:
    tar: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Image:
    """`config` holds the engine's own keys: Cmd, Env, ExposedPorts, Healthcheck, ..."""

    name: str
    layers: tuple[Layer, ...]
    config: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> bytes:
        """The image's configuration; its SHA-256 is the image ID."""
        document = {
            "architecture": "amd64",
            "config": dict(self.config),
            "created": "2024-01-01T00:00:00Z",
            "history": [{"created": "2024-01-01T00:00:00Z"} for _ in self.layers],
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in self.layers]},
        }
        return json.dumps(document, sort_keys=True).encode()


def folder(path: str, *, mode: int = 0o755, owner: int = 0) -> Entry:
    return Entry(path, mode=mode, kind=tarfile.DIRTYPE, owner=owner)


def link(path: str, target: str) -> Entry:
    return Entry(path, mode=0o777, kind=tarfile.SYMTYPE, target=target)


def make_layer(entries: Iterable[Entry]) -> Layer:
    """Parent folders that no entry names are added."""
    named = {entry.path: entry for entry in entries}
    for path in list(named):
        while path := path.rpartition("/")[0]:
            named.setdefault(path, folder(path))
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(named):
            _add(tar, named[path])
    return Layer(content.getvalue(), hashlib.sha256(content.getvalue()).hexdigest())


def make_archive(images: Iterable[Image]) -> bytes:
    manifest: list[dict[str, Any]] = []
    files: dict[str, bytes] = {}
    for image in images:
        config = image.describe()
        config_path = f"{hashlib.sha256(config).hexdigest()}.json"
        files[config_path] = config
        layers = [f"{layer.digest}/layer.tar" for layer in image.layers]
        files.update(zip(layers, (layer.tar for layer in image.layers), strict=True))
        manifest.append({"Config": config_path, "RepoTags": [image.name], "Layers": layers})
    files["manifest.json"] = json.dumps(manifest).encode()
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for path in sorted(files):
            _add(tar, Entry(path, files[path]))
    return content.getvalue()


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.path)
    info.type = entry.kind
    info.mode = entry.mode
    info.uid = info.gid = entry.owner
    info.linkname = entry.target
    info.size = len(entry.content)
    tar.addfile(info, io.BytesIO(entry.content))
