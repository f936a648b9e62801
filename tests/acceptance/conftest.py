"""A project on a fleet, with all that manifests may refer to beside it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from declare.model.canonical import Json
from tests.acceptance.project import EVERYTHING, Project
from tests.fleet import Fleet
from tests.fleet.keys import make_authority, make_server_certificate

PROXY: dict[str, Json] = {"hosts": ["h1"], "image": "declare-test/nginx:1.22"}


@pytest.fixture
def project(clean_fleet: Fleet, tmp_path: Path) -> Project:
    """An empty project on three real hosts."""
    return Project.on_fleet(clean_fleet, tmp_path / "project")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two certificates with their keys: 1.pem, 1-key.pem, 2.pem and 2-key.pem, for one and the same key."""
    folder = tmp_path_factory.mktemp("certificates")
    make_authority(folder)
    make_server_certificate(
        folder, key=folder / "1-key.pem", certificate=folder / "1.pem", name="web.test", address="127.0.0.1"
    )
    for name in ("-key.pem", ".pem"):
        (folder / f"2{name}").write_bytes((folder / f"1{name}").read_bytes())
    return folder


@pytest.fixture(scope="session")
def furnish(certificates: Path) -> Callable[[Project], Project]:
    """Gives a project what the cases of all fields refer to: labels, certificates, env files, secrets, permissions."""

    def prepare(project: Project) -> Project:
        project.environment |= {"S1": "one", "S2": "two"}
        for host, zone in zip(project.hosts.values(), "abcdefgh", strict=False):
            host["labels"] = {"zone": zone, "rack": zone * 2}
        proxy = {} if project.fakes else {"proxy": PROXY}
        project.write(inventory={"allow": EVERYTHING, **proxy})
        (project.folder / "certs").symlink_to(certificates)
        for name, text in (("1", "FILE=1"), ("2", "FILE=2"), ("quoted", "QUOTED='1'")):
            (project.folder / f"{name}.env").write_text(f"{text}\n")
        return project

    return prepare
