"""Each golden file is what its model renders to, and what the real nginx accepts."""

import os
from pathlib import Path

import pytest

from declare.model.app import Route
from tests.proxy.local import Nginx, certificates_in, nginx_version, version_of_nginx_missing
from tests.proxy.models import CASES, Case, model, site, upstream

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", CASES)
def test_a_model_renders_to_its_golden_file(name: str) -> None:
    file = GOLDEN / f"{name}.conf"
    if os.environ.get("DECLARE_WRITE_GOLDEN"):
        file.write_text(CASES[name].render().text)
    assert CASES[name].render().text == file.read_text()


def test_every_golden_file_has_a_model() -> None:
    assert {file.stem for file in GOLDEN.glob("*.conf")} == set(CASES)


@version_of_nginx_missing
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if (case.version or ()) <= nginx_version()])
def test_nginx_accepts_the_golden_file(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    text = Case(**{**vars(case), "certificates": certificates_in(tmp_path)}).render().text
    assert Nginx(tmp_path).test(text) == ""


@version_of_nginx_missing
def test_nginx_accepts_long_names_and_many_replicas(tmp_path: Path) -> None:
    label = "a" * 63
    hosts = [f"{n}.{label}.{label}.{label}.example.com" for n in range(300)]
    sites = [site(Route(host, f"/{n}"), f"app-{n}") for n, host in enumerate(hosts)]
    upstreams = tuple(upstream(f"app-{n}", *range(20000, 20400)) for n in range(3))
    assert Nginx(tmp_path).test(Case(model(*sites, upstreams=upstreams)).render().text) == ""
