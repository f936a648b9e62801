"""The checkout's own sources, packed as pip packs them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = ("declare", "schemas", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.cfg")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a copy: a build leaves folders behind."""
    copy = tmp_path_factory.mktemp("sources") / "declare"
    copy.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    _pip("wheel", "--no-deps", "--wheel-dir", copy / "dist", copy)
    (built,) = (copy / "dist").iterdir()
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the wheel in it, unpacked by pip."""
    folder = tmp_path_factory.mktemp("installed")
    _pip("install", "--no-deps", "--target", folder, wheel)
    return folder


def _pip(*words: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *words], check=True, stdin=subprocess.DEVNULL)
