"""Finds and reads manifests: the apps, volumes and secrets of all files, with every problem in one run."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TextIO

from declare.load.app import build_app
from declare.load.checks import check_apps, check_volumes
from declare.load.document import Node, find, read_document
from declare.load.fields import canonicalise, labels
from declare.load.forms import Context, Form, command, fields, pairs, text
from declare.load.interpolation import Interpolator, Lookup, look_up
from declare.load.inventory import read_dotenv
from declare.load.problems import Mistake, Problems
from declare.load.schema import Place, check_shape, coerce, strict_schema
from declare.load.text import SIZE_LIMIT, decode, read_text
from declare.model.app import App, Desired, SecretSource, VolumeSpec
from declare.model.inventory import Inventory
from declare.model.names import volume
from declare.model.problem import Source

STDIN: Literal["-"] = "-"
ManifestSource = Path | Literal["-"]


def find_manifests(inventory: Inventory) -> list[Path]:
    """The `*.yaml` and `*.yml` files anywhere below `apps` beside the inventory, sorted."""
    folder = Path(inventory.root, "apps")
    return sorted(path for path in folder.rglob("*.y*ml") if path.suffix in (".yaml", ".yml"))


def load_manifests(
    sources: Sequence[ManifestSource],
    *,
    inventory: Inventory,
    environment: Mapping[str, str],
    stdin: TextIO | None = None,
) -> Desired:
    """What these files declare together. Raises InputError with all problems of all files."""
    problems = Problems()
    dotenv = read_dotenv(Path(inventory.root), environment=environment, problems=problems)
    lookup = look_up(environment, dotenv, inventory.variables)
    desired = read_manifests(sources, inventory=inventory, lookup=lookup, stdin=stdin, problems=problems)
    problems.raise_errors()
    return desired


def read_manifests(
    sources: Sequence[ManifestSource],
    *,
    inventory: Inventory,
    lookup: Lookup,
    stdin: TextIO | None,
    problems: Problems,
) -> Desired:
    """As much as can be read; `problems` has the rest."""
    context = Context(problems, lookup, Path(inventory.root))
    found = _Declared(context, inventory.project)
    for source in sources:
        node = _read_tree(source, stdin, problems)
        if node is not None:
            found.add_file(coerce(Interpolator(lookup, problems).interpolate(node), strict_schema("manifest")))
    desired = found.desired()
    check_apps(desired, found.nodes, inventory, problems)
    check_volumes(desired, found.places("volumes"), inventory, problems)
    return desired


def _read_tree(source: ManifestSource, stdin: TextIO | None, problems: Problems) -> Node | None:
    name = "<stdin>" if source == STDIN else str(source)
    try:
        content = _read_stdin(stdin, name) if source == STDIN else read_text(Path(source))
    except Mistake as mistake:
        problems.collect(mistake)
        return None
    before = problems.count
    node = read_document(content, name, problems)
    if node is None or node.value is None:
        if problems.count == before:
            problems.warn("this manifest declares nothing", Source(name))
        return None
    return node


def _read_stdin(stdin: TextIO | None, name: str) -> str:
    if stdin is None:
        raise Mistake("there is no standard input to read a manifest from", Source(name))
    raw = getattr(stdin, "buffer", None)
    content = raw.read(SIZE_LIMIT + 1) if raw is not None else stdin.read(SIZE_LIMIT + 1).encode("utf-8", "replace")
    if len(content) > SIZE_LIMIT:
        raise Mistake(f"{name} is larger than 1 MiB", Source(name))
    return decode(content, name)


def _unusable(root: Node, bad: Iterable[Place]) -> frozenset[str]:
    """The fields of an app that can't be read at all; of the others only the wrong entries are marked as broken."""
    fields_of_app = set()
    for place in bad:
        entry = find(root, place[:4]) if len(place) > 3 and place[2] in _READ_BY_ENTRY else None
        if entry is not None:
            entry.broken = True
        elif len(place) > 2:
            fields_of_app.add(str(place[2]))
    return frozenset(fields_of_app)


_READ_BY_ENTRY = frozenset({"publish", "routes", "secrets", "volumes", "update", "proxy", "resources", "placement"})


class _Declared:
    """Gathers what the files declare. A name that a second file declares again is a problem there."""

    def __init__(self, context: Context, project: str) -> None:
        self._context = context
        self._project = project
        self._first: dict[tuple[str, str], Source] = {}
        self._apps: dict[str, App] = {}
        self._volumes: dict[str, VolumeSpec] = {}
        self._secrets: dict[str, SecretSource] = {}
        self.nodes: dict[str, Node] = {}

    def add_file(self, node: Node) -> None:
        bad = check_shape(node, "manifest", self._context.problems)
        for name, entry, source in self._new(node, "apps", "app", bad):
            skip = _unusable(node, [place for place in bad if place[:2] == ("apps", name)])
            spec = canonicalise(entry, self._context, skip=skip)
            self.nodes[name] = entry
            self._apps[name] = build_app(name, {"image": ""} | spec, source)
        for name, entry, _ in self._new(node, "volumes", "volume", bad):
            self._volumes[name] = self._read_volume(name, entry)
        for name, entry, source in self._new(node, "secrets", "secret", bad):
            self._secrets[name] = self._read_secret(entry, source)

    def desired(self) -> Desired:
        apps = tuple(app for _, app in sorted(self._apps.items()))
        return Desired(apps, dict(sorted(self._volumes.items())), dict(sorted(self._secrets.items())))

    def places(self, section: str) -> Mapping[str, Source]:
        """Where each name of a section is first declared."""
        return {name: source for (found, name), source in self._first.items() if found == section}

    def _new(self, node: Node, section: str, noun: str, bad: set[Place]) -> Iterable[tuple[str, Node, Source]]:
        """The readable entries of a section that no file before had."""
        if () in bad or (section,) in bad or node.get(section) is None:
            return
        for name, entry in node.mapping[section].mapping.items():
            source = node.mapping[section].key_source(name)
            first = self._first.setdefault((section, name), source)
            if first is not source:
                self._context.problems.add(f'{noun} "{name}" is declared twice', source, help=f"first at {first}")
            elif not any(place[:2] == (section, name) and (section != "apps" or len(place) == 2) for place in bad):
                yield name, entry, source

    def _read_volume(self, name: str, node: Node) -> VolumeSpec:
        forms: dict[str, Form] = {"name": text, "driver": text, "driver_opts": pairs, "labels": labels}
        found = fields(node, forms, self._context) if node.value is not None else {}
        external = node.get("external")
        is_external = external is not None and external.value is True
        found.setdefault("name", name if is_external else volume(self._project, name))
        return VolumeSpec(external=is_external, **found)

    def _read_secret(self, node: Node, source: Source) -> SecretSource:
        ((kind, entry),) = ((kind, entry) for kind, entry in node.mapping.items() if not kind.startswith("x-"))
        words = command(entry, self._context) if kind == "command" else [entry.text]
        return SecretSource(kind, tuple(words), source)  # type: ignore[arg-type]
