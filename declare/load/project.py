"""Reads the inventory and the manifests together, so that one run tells every problem of all files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from declare.load.inventory import read_inventory
from declare.load.manifest import ManifestSource, find_manifests, read_manifests
from declare.load.problems import Problems
from declare.model.app import Desired
from declare.model.inventory import Inventory
from declare.model.problem import Problem


class Project(NamedTuple):
    """One environment and what is declared for it."""

    inventory: Inventory
    desired: Desired
    warnings: tuple[Problem, ...]


def load_project(
    path: Path,
    sources: Sequence[ManifestSource] | None = None,
    *,
    environment: Mapping[str, str],
    stdin: TextIO | None = None,
) -> Project:
    """The inventory at `path` with these manifests, or with those beside it. Raises InputError with all problems."""
    problems = Problems()
    draft = read_inventory(path, environment=environment, problems=problems)
    chosen = find_manifests(draft.inventory) if sources is None else sources
    desired = read_manifests(chosen, inventory=draft.inventory, lookup=draft.lookup, stdin=stdin, problems=problems)
    problems.raise_errors()
    return Project(draft.inventory, desired, problems.warnings)
