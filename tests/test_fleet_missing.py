"""Where no fleet can be brought up its tests are left out with a plain reason, or fail if it is required."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
AS_A_PLAIN_USER = "import os, sys, pytest; os.geteuid = lambda: 1000; sys.exit(pytest.main(sys.argv[1:]))"


@pytest.mark.parametrize(("required", "outcome", "code"), [("0", "1 skipped", 0), ("1", "1 error", 1)])
def test_without_root_a_fleet_test_is_left_out_unless_required(required: str, outcome: str, code: int) -> None:
    test = "tests/test_fleet.py::test_every_host_is_an_engine_of_its_own"
    done = subprocess.run(
        [sys.executable, "-c", AS_A_PLAIN_USER, "-rs", "-p", "no:cacheprovider", test],
        env={**os.environ, "DECLARE_REQUIRE_FLEET": required},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "a fleet of real hosts needs root" in done.stdout
    assert outcome in done.stdout
    assert done.returncode == code
