"""Real hosts for the tests that ask for them: `clean_fleet`, or `fleet` where what lies around does not matter.

DECLARE_TEST_FLEET=NAME uses a fleet that is up, and empties it. DECLARE_REQUIRE_FLEET=1 makes a missing fleet an error.
"""

import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.fleet import Fleet, FleetError, why_no_fleet
from tests.fleet.artifacts import save_artifacts
from tests.fleet.clean import clean
from tests.fleet.foreign import check_foreigners, settle_foreigners

ARTIFACTS = Path(__file__).parent / "artifacts"
_fleets: list[Fleet] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"fleet", "clean_fleet"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.fleet)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("fleet") and (reason := why_no_fleet()):
        _leave_out(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and item.get_closest_marker("fleet"):
        for fleet in _fleets:
            save_artifacts(fleet, ARTIFACTS / re.sub(r"[^A-Za-z0-9_.-]+", "-", item.nodeid) / fleet.name)
    return report


@pytest.fixture(scope="session")
def fleet(worker_name: str) -> Iterator[Fleet]:
    """Three hosts that all tests of a worker share."""
    if name := os.environ.get("DECLARE_TEST_FLEET"):
        yield Fleet.load(name)
        return
    fleet = bring_up(worker_name)
    yield fleet
    fleet.down()


@pytest.fixture
def clean_fleet(fleet: Fleet) -> Iterator[Fleet]:
    """The three hosts on, connected and empty but for somebody else's containers, which the test must leave alone."""
    clean(fleet)
    before = settle_foreigners(fleet)
    _fleets.append(fleet)
    yield fleet
    _fleets.remove(fleet)
    check_foreigners(fleet, before)


@pytest.fixture(scope="session")
def worker_name() -> str:
    """For names that no other worker or run on this machine may share."""
    return f"test-{os.getpid()}"


def bring_up(name: str, **options: object) -> Fleet:
    try:
        return Fleet.up(name, owned=True, **options)  # type: ignore[arg-type]
    except FleetError as error:
        _leave_out(f"no fleet came up: {error}")
        raise


def _leave_out(reason: str) -> None:
    if os.environ.get("DECLARE_REQUIRE_FLEET") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
