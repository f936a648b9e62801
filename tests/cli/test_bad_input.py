"""Every kind of bad input through the door: exit code 1, its place, no traceback, no harm, little time."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.load.bad_input import CASES, BadInput

ROOT = Path(__file__).parents[2]
HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]")
HOSTILE = [case for case in CASES if case.id in ("yaml-bomb", "yaml-deep", "file-too-large", "replicas-5000-digits")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_bad_input_is_refused_at_the_door(case: BadInput, declare, tmp_path, monkeypatch):
    case.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value)
    ended = declare("plan" if case.secrets else "validate")
    assert (ended.code, ended.out) == (1, "")
    assert f"{case.place}: error: " in ended.err
    assert "Traceback" not in ended.err and not HARMFUL.search(ended.err)


# What the system reports as a peak counts the test itself, before it became another program; a limit does not.
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (200 << 20, 200 << 20))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.id)
def test_hostile_files_cost_the_process_little(case: BadInput, tmp_path):
    case.write(tmp_path)
    with (tmp_path / "err").open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", LIMITED, sys.executable, "-m", "declare", "validate"],
            cwd=tmp_path,
            stdout=err,
            stderr=err,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    told = (tmp_path / "err").read_text()
    assert process.returncode == 1 and "error: " in told
    assert "Traceback" not in told and "unexpected" not in told
    assert usage.ru_utime + usage.ru_stime < 2
