"""Checks across fields and apps, after each value by itself is good."""

from collections.abc import Mapping

from declare.load.document import Node
from declare.load.problems import Problems
from declare.model.app import App, CommandCheck, Desired
from declare.model.inventory import Inventory
from declare.model.powers import Power, powers, volume_powers
from declare.model.problem import Source


def check_apps(desired: Desired, nodes: Mapping[str, Node], inventory: Inventory, problems: Problems) -> None:
    """Add what is wrong between fields, between apps, and between apps and what the inventory allows."""
    for app in desired.apps:
        node = nodes[app.name]
        _check_ports(app, node, problems)
        _check_secrets(app, node, desired, problems)
        _check_powers(app, node, inventory, problems)
    _check_routes(desired, nodes, problems)


def check_volumes(desired: Desired, places: Mapping[str, Source], inventory: Inventory, problems: Problems) -> None:
    """Add the volumes that are a way round `allow`."""
    for name, volume in desired.volumes.items():
        for power in volume_powers(volume):
            if power.allowance not in inventory.allow:
                hint = f"if it shall have that power over its host: allow: [{power.allowance}] in {inventory.path}"
                problems.add(f"volume {name} is not allowed {power.what}", places[name], help=hint)


def _check_ports(app: App, node: Node, problems: Problems) -> None:
    if app.routes and app.main_port is None:
        problems.add(f"{app.name} has routes, but {_which_port(app)}", _place(node, "routes"), help=_PORT_HELP)
    check = app.healthcheck
    if check is None or isinstance(check.check, CommandCheck):
        return
    place = _place(node, "healthcheck")
    if check.port is not None and check.port not in app.ports:
        known = f"it has {', '.join(app.ports)}" if app.ports else "it has none"
        problems.add(f'{app.name} has no port "{check.port}"', _place(node, "healthcheck", "port"), help=known)
    elif check.port is None and app.main_port is None:
        problems.add(f"{app.name} has a healthcheck that asks a port, but {_which_port(app)}", place, help=_PORT_HELP)


def _which_port(app: App) -> str:
    return "none of its ports is called http" if app.ports else "it has no port"


_PORT_HELP = "add port:, or call one of ports: http"


def _check_secrets(app: App, node: Node, desired: Desired, problems: Problems) -> None:
    seen: set[tuple[str, str | None]] = set()
    items = {_secret_name(item): item.source for entry in [node.get("secrets")] if entry for item in entry.items}
    for use in app.secrets:
        source = items.get(use.name)
        if use.name not in desired.secrets:
            hint = f"add it below secrets: at the top of a manifest, as in {use.name}: {{env: {use.name.upper()}}}"
            problems.add(f'secret "{use.name}" is not declared', source, help=hint)
        if use.env is not None and use.env in {**app.spec.get("environment", {})}:
            problems.add(f"{use.env} is set by environment and by a secret", source)
        target = ("env", use.env) if use.env is not None else ("file", use.target)
        if target in seen:
            problems.add(f"two secrets become the {'variable' if use.env else 'file'} {target[1]}", source)
        seen.add(target)


def _secret_name(item: Node) -> str:
    return item.mapping["name"].text if "name" in item.mapping else item.text


def _check_powers(app: App, node: Node, inventory: Inventory, problems: Problems) -> None:
    for power in powers(app):
        if power.allowance not in inventory.allow:
            hint = f"if it shall have that power over its host: allow: [{power.allowance}] in {inventory.path}"
            problems.add(f"{app.name} is not allowed {power.what}", _power_place(node, power), help=hint)


def _power_place(node: Node, power: Power) -> Source:
    """The item of the field that mentions it, else the field."""
    entry = node.get(power.field)
    for item in entry.items if entry else ():
        if power.value and power.value in item.text.replace("CAP_", ""):
            return item.source
    return _place(node, power.field)


def _check_routes(desired: Desired, nodes: Mapping[str, Node], problems: Problems) -> None:
    owners: dict[tuple[str, str], App] = {}
    for app in desired.apps:
        for route in app.routes:
            owner = owners.setdefault((route.host, route.path), app)
            if owner is not app:
                first = _place(nodes[owner.name], "routes")
                hint = f"{owner.name} has it at {first}"
                problems.add(f"{route} is a route of {owner.name} and of {app.name}",
                             _place(nodes[app.name], "routes"), help=hint)  # fmt: skip


def _place(node: Node, *keys: str) -> Source:
    """Where a field's key stands; the place of what holds it if it isn't written."""
    place = node.source
    for key in keys:
        place = node.key_source(key)
        node = node.mapping.get(key, node)
    return place
