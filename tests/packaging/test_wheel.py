"""An installed wheel works without the checkout: it carries its schemas and templates."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

RENDER = """
from declare.model.proxy import ProxyModel
from declare.proxy.config import Acknowledgement
from declare.proxy.render import render
print(render(ProxyModel("shop", http=80, https=None), ack=Acknowledgement("127.0.0.1", 20000)).text)
"""


@pytest.fixture
def declare(installed: Path, tmp_path: Path) -> Callable[..., str]:
    """Python with what was installed, away from the checkout."""

    def run(*words: str | Path) -> str:
        environment = {**os.environ, "PYTHONPATH": str(installed)}
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    return run


def test_the_wheel_holds_the_package_and_what_it_reads(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    published = {f"declare/schemas/{path.name}" for path in (ROOT / "schemas").glob("*.json")}
    assert published
    assert names >= published | {"declare/py.typed", "declare/proxy/nginx.conf.j2"}
    assert not [name for name in names if not name.startswith(("declare/", "declare-"))]


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "declare").rglob("*") if path.is_file()}
    assert not {name for name in files if "__pycache__" not in name} - names


def test_an_installed_declare_says_its_version(declare: Callable[..., str]) -> None:
    assert declare("-m", "declare", "--version").startswith("declare ")


def test_what_was_installed_is_what_runs(declare: Callable[..., str], installed: Path) -> None:
    assert declare("-c", "import declare; print(declare.__file__)").startswith(str(installed))


def test_an_installed_declare_renders_its_template(declare: Callable[..., str]) -> None:
    assert "worker_shutdown_timeout" in declare("-c", RENDER)


def test_an_installed_declare_explains_and_validates_by_its_schemas(declare: Callable[..., str]) -> None:
    assert "image" in declare("-m", "declare", "explain", "image")
    example = ROOT / "examples/single-host/inventory.yaml"
    assert "no errors" in declare("-m", "declare", "validate", "-i", example)


def test_the_schemas_of_the_wheel_are_those_of_the_checkout(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for path in (ROOT / "schemas").glob("*.json"):
            assert json.loads(archive.read(f"declare/schemas/{path.name}")) == json.loads(path.read_text())
