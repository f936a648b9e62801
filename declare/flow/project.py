"""A project as the user has it: inventory and manifests, read and checked, and the git commit they are at."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from declare.load.inventory import find_inventory
from declare.load.manifest import ManifestSource
from declare.load.project import load_project
from declare.model.app import Desired
from declare.model.inventory import Inventory
from declare.model.problem import Problem

_GIT_DEADLINE = 2.0


@dataclass(frozen=True, slots=True)
class ProjectOptions:
    """Where to look. `inventory` None: DECLARE_INVENTORY, else found from this folder upwards. `files`: -f, "-" is
    standard input. `manifests` False reads the inventory alone, for what needs no more.
    """

    inventory: str | None = None
    files: tuple[str, ...] = ()
    manifests: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: TextIO | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """What was loaded. `whole`: the manifests are all there are, so what they lack is meant to go."""

    inventory: Inventory
    desired: Desired
    environment: Mapping[str, str]
    whole: bool = True
    warnings: tuple[Problem, ...] = ()

    @property
    def git(self) -> str | None:
        """The short commit that the inventory's folder is at, or None outside git."""
        return read_commit(Path(self.inventory.root))


def open_project(options: ProjectOptions) -> Project:
    """Read and check all files; raises InputError with all their problems."""
    named = options.inventory or options.environment.get("DECLARE_INVENTORY")
    path = Path(named) if named else find_inventory(Path())
    sources = ([_source(file) for file in options.files] or None) if options.manifests else []
    loaded = load_project(path, sources, environment=options.environment, stdin=options.stdin)
    return Project(
        inventory=loaded.inventory,
        desired=loaded.desired,
        environment=options.environment,
        whole=not options.files,
        warnings=loaded.warnings,
    )


def _source(file: str) -> ManifestSource:
    return "-" if file == "-" else Path(file)


def read_commit(folder: Path) -> str | None:
    """The short name of HEAD as git has it, with a "+" if files were changed since; None without git."""
    command: Sequence[str] = ("git", "-C", str(folder), "describe", "--always", "--dirty=+", "--exclude=*")
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_GIT_DEADLINE,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
