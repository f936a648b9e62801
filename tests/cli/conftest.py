"""The door in one process: a command line goes in, exit code and both streams come out."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from declare.cli.run import run
from tests.show.plans import EVERYDAY


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Declare = Callable[..., Ended]


@pytest.fixture
def declare(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Declare:
    for name in ("GITHUB_ACTIONS", "NO_COLOR", "DECLARE_INVENTORY"):
        monkeypatch.delenv(name, raising=False)

    def call(*args: str) -> Ended:
        code = run(args)
        return Ended(code, *capsys.readouterr())

    return call


@pytest.fixture
def project(tmp_path, monkeypatch, declare):
    """A folder with a valid project, in which the command runs."""
    monkeypatch.chdir(tmp_path)
    declare("init", "--project", "shop")
    return tmp_path


@pytest.fixture
def planned(project, monkeypatch):  # noqa: ARG001
    """Every plan comes out as the one in `.plan`, without a host being asked."""
    answer = SimpleNamespace(plan=EVERYDAY, requests=[])

    def plan_project(opened, request, **_):
        answer.requests.append(request)
        return SimpleNamespace(plan=answer.plan, project=opened, request=request)

    monkeypatch.setattr("declare.flow.plan.plan_project", plan_project)
    return answer


@pytest.fixture
def executed(planned, monkeypatch):  # noqa: ARG001
    """Every apply asks, tells `.events` and ends with `.outcome`."""
    from declare.model.event import Outcome

    script = SimpleNamespace(outcome=Outcome(done=5, changed=True, seconds=6.4), events=[], requests=[])

    def apply_planned(plan, request, *, approve, listener, interrupt, exactly=False):  # noqa: ARG001
        script.requests.append(request)
        approve(plan)
        for event in script.events:
            listener(event)
        return script.outcome

    monkeypatch.setattr("declare.flow.apply.apply_planned", apply_planned)
    return script
