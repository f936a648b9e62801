"""An App from its canonical spec, be it fresh from a manifest or from a record, a label or a saved plan."""

from collections.abc import Mapping

from declare.load.document import wrap
from declare.load.fields import canonicalise
from declare.load.forms import Context
from declare.load.health import parse_healthcheck
from declare.load.mounts import parse_mount
from declare.load.problems import Problems
from declare.load.publish import parse_port
from declare.load.routes import parse_route
from declare.model.app import App, PlacementRules, ProxyRules, Resources, SecretUse, UpdatePolicy
from declare.model.canonical import Json
from declare.model.errors import InputError
from declare.model.problem import Problem, Source
from declare.model.quantity import parse_duration, parse_size

_DURATIONS = frozenset({"settle", "drain", "healthy_within", "read_timeout"})
_SIZES = frozenset({"memory", "max_body_size"})


def parse_app(name: str, spec: Mapping[str, Json], *, source: Source | None = None) -> App:
    """The app that a canonical spec says, from a record, a label or a saved plan. Raises InputError.

    It is read again as a manifest would be, so that what was altered on the way is refused.
    """
    problems = Problems()
    try:
        canonical = canonicalise(wrap(spec, source or Source(name)), Context(problems))
        problems.raise_errors()
        return build_app(name, canonical, source)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError([Problem(f"the recorded spec of {name} can't be read: {error!r}", source)]) from error


def build_app(name: str, spec: Mapping[str, Json], source: Source | None = None) -> App:
    """The app with its views of a canonical spec."""
    healthcheck = spec.get("healthcheck")
    return App(
        name=name,
        image=spec["image"],
        spec=spec,
        mode=spec.get("mode", "replicated"),
        replicas=spec.get("replicas", 1),
        ports={"http": spec["port"]} if "port" in spec else spec.get("ports", {}),
        publish=tuple(parse_port(text) for text in spec.get("publish", ())),
        routes=tuple(parse_route(route) for route in spec.get("routes", ())),
        healthcheck=parse_healthcheck(healthcheck) if healthcheck else None,
        volumes=tuple(parse_mount(mount) for mount in spec.get("volumes", ())),
        secrets=tuple(_parse_use(use) for use in spec.get("secrets", ())),
        resources=Resources(**_quantities(spec.get("resources", {}))),
        placement=_parse_placement(spec.get("placement", {})),
        update=UpdatePolicy(**_quantities(spec.get("update", {}))),
        proxy=ProxyRules(**_quantities(spec.get("proxy", {}))),
        pull_policy=spec.get("pull_policy", "missing"),
        platform=spec.get("platform"),
        stop_grace_period=parse_duration(spec.get("stop_grace_period", "10s")),
        host_network=spec.get("network_mode") == "host",
        source=source,
    )


def _parse_use(use: Json) -> SecretUse:
    if isinstance(use, str):
        return SecretUse(use, target=use)
    if "env" in use:
        return SecretUse(use["name"], env=use["env"])
    mode, target = int(use.get("mode", "0444"), 8), use.get("target", use["name"])
    return SecretUse(use["name"], target=target, mode=mode, uid=use.get("uid", 0), gid=use.get("gid", 0))


def _parse_placement(rules: Mapping[str, Json]) -> PlacementRules:
    require = {
        label: (values,) if isinstance(values, str) else tuple(values)
        for label, values in sorted(rules.get("require", {}).items())
    }
    return PlacementRules(require, rules.get("spread"), rules.get("max_per_host"))


def _quantities(values: Mapping[str, Json]) -> dict[str, Json]:
    read = dict(values)
    for name, value in values.items():
        if name in _DURATIONS:
            read[name] = parse_duration(value)
        elif name in _SIZES:
            read[name] = parse_size(value)
    return read
