"""Each case folder gives the plan, or the problems, and the nginx.conf that lie in it.

DECLARE_UPDATE_CASES=1 writes them instead: then read the difference before it is committed.
"""

import os
from pathlib import Path

import pytest

from tests.cases.case import run_case

FOLDER = Path(__file__).parent
CASES = sorted(path.parent.name for path in FOLDER.glob("*/apps.yaml"))
WRITTEN = ("plan.txt", "error.txt", "nginx.conf")


@pytest.mark.parametrize("name", CASES)
def test_a_case_comes_out_as_it_must(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER / name)
    found = run_case().files
    if os.environ.get("DECLARE_UPDATE_CASES"):
        _write(FOLDER / name, found)
    wanted = {file: Path(file).read_text() for file in WRITTEN if Path(file).exists()}
    assert found == wanted


def _write(folder: Path, files: dict[str, str]) -> None:
    for name in WRITTEN:
        if name in files:
            (folder / name).write_text(files[name])
        else:
            (folder / name).unlink(missing_ok=True)
