"""Each golden file is what its model renders to, and what the real nginx accepts."""

import os
from pathlib import Path

import pytest

from tests.proxy.local import Nginx, certificates_in, nginx_version, version_of_nginx_missing
from tests.proxy.models import CASES, Case

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
