"""The checkout passes its own checks: lint, format, types, the rooms' imports, shell syntax."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

BIN = Path(sys.executable).parent
SHELL = ("scripts/install-packages", "scripts/quickstart", "scripts/setup", "scripts/test", ".ci/run")
CHECKS: dict[str, list[str | Path]] = {
    "lint": [BIN / "ruff", "check", "--output-format", "concise"],
    "format": [BIN / "ruff", "format", "--check"],
    "types": [BIN / "mypy"],
    "rooms": [BIN / "lint-imports"],
    "shell": ["bash", "-c", 'for script; do bash -n "$script" || exit 1; done', "bash", *SHELL],
}


@pytest.mark.parametrize("check", CHECKS)
def test_the_checkout_passes(check: str) -> None:
    done = subprocess.run(CHECKS[check], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{done.stdout}{done.stderr}", pytrace=False)
