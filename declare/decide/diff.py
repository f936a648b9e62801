"""What differs, field by field, between applied and declared. It knows no field by name but secrets."""

from collections.abc import Iterator, Mapping

from declare.decide.fingerprints import FINGERPRINT, name_of
from declare.model.app import App
from declare.model.canonical import Json
from declare.model.fields import CONTAINER_FIELDS, FIELDS, Forces
from declare.model.plan import FieldChange

VOLUME_NAMES = "volume_names"
"""In a label's spec: Docker's names of the volumes that the manifest's top-level `volumes` calls otherwise."""

_DOCKER_CHECKS = frozenset({"command", "test", "disable"})


def diff_container(old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[FieldChange, ...]:
    """The differences between the spec in a label and the one that a new container would get."""
    if old == new:
        return ()
    names = sorted(old.keys() | new.keys())
    return tuple(change for name in names for change in _diff_field(name, old.get(name), new.get(name), Forces.REPLACE))


def diff_record(old: Mapping[str, Json], app: App) -> tuple[FieldChange, ...]:
    """The differences in all fields that no label has, against the spec in the record."""
    inside = app.container_spec
    new = {name: value for name, value in app.spec.items() if name not in inside}
    past = {name: value for name, value in old.items() if not _is_fixed(name, value)}
    names = sorted(past.keys() | new.keys())
    return tuple(change for name in names for change in _diff_field(name, past.get(name), new.get(name), None))


def counts_as_revision(change: FieldChange) -> bool:
    """Whether a changed field makes a new revision: what replicas run, how they are reached, how checked."""
    return change.forces in (Forces.REPLACE, Forces.PROXY) or change.path.partition(".")[0] == "healthcheck"


def show_cause(changes: tuple[FieldChange, ...]) -> str:
    """Why a container is replaced, in a few words: the names of its changed fields."""
    if all(change.secret for change in changes):
        return "secret changed"
    names = sorted({change.path.partition(".")[0] for change in changes})
    return f"{', '.join(names)} changed"


def _is_fixed(name: str, value: Json) -> bool:
    """Whether a field of a record's spec is in the containers' labels too."""
    if name == "healthcheck":
        return isinstance(value, Mapping) and not _DOCKER_CHECKS.isdisjoint(value)
    return name in CONTAINER_FIELDS


def _diff_field(name: str, old: Json, new: Json, forces: Forces | None) -> Iterator[FieldChange]:
    if forces is None:
        forces = FIELDS.get(name, Forces.RECORD)
    if name == "secrets":
        yield from _diff_secrets(old or [], new or [], forces)
    elif name == VOLUME_NAMES:
        for volume in sorted({**(old or {}), **(new or {})}):
            path = f"volumes.{volume}.name"
            yield from _diff_value(path, (old or {}).get(volume), (new or {}).get(volume), forces)
    else:
        yield from _diff_value(name, old, new, forces)


def _diff_value(path: str, old: Json, new: Json, forces: Forces) -> Iterator[FieldChange]:
    if old == new and type(old) is type(new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _diff_value(f"{path}.{key}", old.get(key), new.get(key), forces)
    elif isinstance(old, Mapping) and new is None and old:
        yield from _diff_value(path, old, {}, forces)
    elif isinstance(new, Mapping) and old is None and new:
        yield from _diff_value(path, {}, new, forces)
    else:
        yield FieldChange(path, old, new, forces)


def _diff_secrets(old: Json, new: Json, forces: Forces) -> Iterator[FieldChange]:
    before, after = _by_name(old), _by_name(new)
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        if one is None or other is None or _settings(one) != _settings(other):
            yield FieldChange(f"secrets.{name}", _shown(one), _shown(other), forces)
        elif _fingerprints_differ(one, other):
            yield FieldChange(f"secrets.{name}", None, None, forces, secret=True)


def _by_name(uses: Json) -> dict[str, dict[str, Json]]:
    """Each use as a mapping by its name; a second use of one secret by a number behind it."""
    found: dict[str, dict[str, Json]] = {}
    for use in uses:
        name, key, n = name_of(use), name_of(use), 2
        while key in found:
            key, n = f"{name}#{n}", n + 1
        found[key] = {"name": name} if isinstance(use, str) else {**use, "name": name}
    return found


def _settings(use: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in use.items() if key != FINGERPRINT}


def _shown(use: Mapping[str, Json] | None) -> Json:
    if use is None:
        return None
    settings = _settings(use)
    return settings["name"] if len(settings) == 1 else settings


def _fingerprints_differ(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    old, new = one.get(FINGERPRINT), other.get(FINGERPRINT)
    return old is not None and new is not None and old != new
