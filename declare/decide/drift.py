"""What was altered by hand on a container that stays: seen, named, and put back without a new container."""

from collections.abc import Iterator, Mapping

from declare.model.canonical import Json
from declare.model.observed import Container
from declare.model.plan import Drift, Repair

_RESTARTED = ("always", "unless-stopped")


def find_repairs(container: Container, settings: Mapping[str, Json], *, name: str) -> Iterator[Repair]:
    """What puts a container back as it was declared. `settings` and `name` are what it should have."""
    if container.name != name:
        yield Repair("rename", name)
    changed = _altered(container, settings)
    if changed:
        found = container.settings or {}
        detail = ", ".join(f"{key} {_show(found[key])} → {_show(value)}" for key, value in changed.items())
        yield Repair("set", detail, changed)
    if container.state == "paused":
        yield Repair("unpause")
    elif not container.is_running:
        yield Repair("start")


def show_drift(subject: str, container: Container, repairs: tuple[Repair, ...], *, replaced: bool) -> Iterator[Drift]:
    """One line for each thing found; `replaced`: a new container takes its place anyway."""
    for repair in repairs:
        found, remedy = _describe(container, repair)
        yield Drift(subject, container.host, found, "apply replaces it" if replaced else remedy)


def _describe(container: Container, repair: Repair) -> tuple[str, str]:
    if repair.verb == "rename":
        return f"renamed by hand to {container.name}", "apply gives it its name back"
    if repair.verb == "set":
        return f"altered by hand: {', '.join(repair.settings)}", "apply sets it back"
    if repair.verb == "unpause":
        return "paused by hand", "apply unpauses it"
    return _why_stopped(container), "apply starts it again"


def _why_stopped(container: Container) -> str:
    """A container that its engine restarts by itself is only found stopped if somebody stopped it."""
    spec = container.owner.spec if container.owner else {}
    policy = str(spec.get("restart", "unless-stopped")).partition(":")[0]
    if container.oom_killed:
        return f"exited with code {container.exit_code if container.exit_code is not None else 137} (out of memory)"
    if policy in _RESTARTED or container.exit_code is None:
        return "stopped by hand"
    return f"exited with code {container.exit_code}"


def _altered(container: Container, settings: Mapping[str, Json]) -> dict[str, Json]:
    found = container.settings
    if found is None:
        return {}
    return {key: settings[key] for key in sorted(settings) if key in found and found[key] != settings[key]}


def _show(value: Json) -> str:
    return "none" if value is None else str(value)
