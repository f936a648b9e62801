"""The quickstart brings the shop up, says only what works, and removes all of it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.examples.example import ROOT
from tests.fleet import Fleet
from tests.fleet.fleet import list_fleets

NAME = f"quickstart-{os.getpid()}"
ENVIRONMENT = {**os.environ, "QUICKSTART_NAME": NAME, "PYTHONPATH": str(ROOT), "DECLARE_APPLY_YES": "1"}
ON_ONE_ENGINE = """
from pathlib import Path
from scripts.first_steps.__main__ import bring_up, take_down
from scripts.first_steps.ground import OneEngine
bring_up(OneEngine(Path("/run/docker.sock")))
take_down()
"""

pytestmark = pytest.mark.fleet


@pytest.fixture
def removed_without_a_trace() -> Iterator[None]:
    yield
    run("-m", "scripts.first_steps", "--down")
    assert NAME not in list_fleets()
    assert not (ROOT / NAME).exists()


def test_what_it_tells_to_try_next_works(removed_without_a_trace: None) -> None:  # noqa: ARG001
    said = run("-m", "scripts.first_steps")
    assert "9 calls, answered by 3 replicas" in said
    commands = [re.split(r"  +", line.strip())[0] for line in said.partition("Now in")[2].splitlines()[1:]]
    for command in [command for command in commands if "declare" in command]:
        done = subprocess.run(
            command, shell=True, cwd=ROOT / NAME, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "Nothing to do" in run("-m", "declare", "-i", ROOT / NAME / "inventory.yaml", "plan", **_ssh())


def test_one_engine_is_enough_and_keeps_nothing(clean_fleet: Fleet) -> None:
    host = clean_fleet.hosts["h1"]
    before = host.docker("ps", "--all", "--quiet")
    done = subprocess.run(
        [*host.enter(), sys.executable, "-c", ON_ONE_ENGINE],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 calls, answered by 3 replicas" in done.stdout
    assert host.docker("ps", "--all", "--quiet") == before
    assert "shop/" not in host.docker("images")


def _ssh() -> dict[str, str]:
    return {"DECLARE_SSH_CONFIG": str(Fleet.load(NAME).ssh_config)}


def run(*words: object, **environment: str) -> str:
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
