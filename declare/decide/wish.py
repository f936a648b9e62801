"""What one declared app asks of a host, in the units in which space is counted."""

from collections.abc import Mapping
from dataclasses import dataclass

from declare.decide.diff import VOLUME_NAMES
from declare.decide.fingerprints import label_spec
from declare.model import names
from declare.model.app import App, Desired, Mount, VolumeSpec
from declare.model.canonical import Json
from declare.model.plan import VolumeCreate
from declare.model.settings import declared_settings

MICRO = 1_000_000
DEFAULT_SPREAD = "zone"
_NETWORK_FILESYSTEMS = frozenset({"nfs", "nfs3", "nfs4", "cifs", "smb3", "ceph", "glusterfs"})


@dataclass(frozen=True, slots=True)
class Wish:
    """`spec` goes into the label, `settings` are what it makes of those that can be altered by hand.

    `cpus` is in millionths of a core, so that sums never depend on their order. `written` are Docker's names of the
    local volumes that it writes, `bound` those whose host it must share: the written ones, and the read ones that
    another app writes. `external` must exist already.
    """

    app: App
    spec: Mapping[str, Json]
    settings: Mapping[str, Json]
    cpus: int
    memory: int
    volumes: tuple[VolumeCreate, ...] = ()
    written: tuple[str, ...] = ()
    bound: tuple[str, ...] = ()
    external: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.app.name

    @property
    def spread(self) -> str:
        return self.app.placement.spread or DEFAULT_SPREAD


def read_wishes(desired: Desired, project: str, fingerprints: Mapping[str, str]) -> dict[str, Wish]:
    """One wish for each app, in the order of their names."""
    written = {
        volume_of(desired, project, mount).name
        for app in desired.apps
        for mount in app.volumes
        if _is_named(mount) and not mount.read_only and _is_local(volume_of(desired, project, mount))
    }
    apps = sorted(desired.apps, key=lambda app: app.name)
    return {app.name: _read_wish(app, desired, project, fingerprints, written) for app in apps}


def volume_of(desired: Desired, project: str, mount: Mount) -> VolumeSpec:
    """The volume that a mount names, declared or not."""
    source = mount.source or ""
    return desired.volumes.get(source) or VolumeSpec(names.volume(project, source))


def _read_wish(app: App, desired: Desired, project: str, fingerprints: Mapping[str, str], written: set[str]) -> Wish:
    named = [mount for mount in app.volumes if _is_named(mount)]
    volumes = {volume.name: volume for volume in (volume_of(desired, project, mount) for mount in named)}
    writes = {volume_of(desired, project, mount).name for mount in named if not mount.read_only}
    spec = label_spec(app, fingerprints) | _unusual_names(desired, project, named)
    return Wish(
        app=app,
        spec=spec,
        settings=declared_settings(spec),
        cpus=round(app.resources.cpus * MICRO),
        memory=app.resources.memory,
        volumes=tuple(
            VolumeCreate(v.name, "", v.driver, dict(v.driver_opts), dict(v.labels))
            for _, v in sorted(volumes.items())
            if not v.external
        ),
        written=tuple(sorted(writes & written)),
        bound=tuple(sorted(volumes.keys() & written)),
        external=tuple(sorted(v.name for v in volumes.values() if v.external)),
    )


def _unusual_names(desired: Desired, project: str, mounts: list[Mount]) -> dict[str, Json]:
    """What the app's own fields don't say of its containers: which of its volumes are called otherwise, and how."""
    found = {mount.source or "": volume_of(desired, project, mount).name for mount in mounts}
    names_given = {source: name for source, name in found.items() if name != names.volume(project, source)}
    return {VOLUME_NAMES: names_given} if names_given else {}


def _is_named(mount: Mount) -> bool:
    return mount.kind == "volume" and mount.source is not None


def _is_local(volume: VolumeSpec) -> bool:
    """Whether its data is on one host: the local driver can also mount a network's filesystem."""
    return volume.driver == "local" and volume.driver_opts.get("type", "") not in _NETWORK_FILESYSTEMS
