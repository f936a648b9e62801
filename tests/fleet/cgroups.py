"""Removes what a dead host leaves in the cgroup tree, of version 1 (one tree per controller) or 2."""

import contextlib
import os
from functools import partial
from pathlib import Path

from tests.fleet.errors import FleetError, wait_until

ROOT = Path("/sys/fs/cgroup")


def remove_cgroups(name: str) -> None:
    """`name` as given to the engine: absolute. Its processes must be dead, but may still be leaving."""
    relative = name.lstrip("/")
    for top in [ROOT / relative, *ROOT.glob(f"*/{relative}")]:
        # One that stays does no harm: the next container of that name uses it.
        with contextlib.suppress(FleetError):
            wait_until(partial(_remove, top), what=f"{top} is empty", seconds=5)


def _remove(top: Path) -> bool:
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            Path(folder).rmdir()
        except OSError:
            return False
    return not top.exists()
