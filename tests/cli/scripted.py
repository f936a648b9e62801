"""`declare` with an apply that goes on until it is asked to stop: `python -m tests.cli.scripted apply --yes`."""

import time
from types import SimpleNamespace

import declare.flow.apply
import declare.flow.plan
from declare.cli import main
from declare.model.event import Outcome, Transition
from tests.show.plans import EVERYDAY


def plan_project(project, request, **_):
    return SimpleNamespace(plan=EVERYDAY, project=project, request=request)


def apply_planned(planned, request, *, approve, listener, interrupt, exactly=False):  # noqa: ARG001
    approve(planned)
    deadline = time.monotonic() + 30
    while interrupt.level == 0 and time.monotonic() < deadline:
        listener(Transition("web/1", "started", "web-1"))
        time.sleep(0.02)
    return Outcome(done=1, not_started=4, changed=True, interrupted=interrupt.level > 0)


declare.flow.plan.plan_project = plan_project
declare.flow.apply.apply_planned = apply_planned

if __name__ == "__main__":
    main()
