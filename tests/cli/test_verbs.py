"""The verbs, from the command line to the exit code."""

import json
import os
import stat
from dataclasses import replace

import pytest

from declare.model.errors import LockHeld
from declare.model.event import Failure, Outcome, Transition
from tests.show.plans import EVERYDAY, NOTHING, NOTHING_SEEN


class Terminal:
    """Standard input as a person's terminal, with their answer."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self.answer


@pytest.mark.usefixtures("project")
def test_init_makes_a_project_that_validates(declare):
    ended = declare("validate")
    assert (ended.code, ended.err) == (0, "")
    assert "1 app for 1 host, no errors" in ended.out


def test_init_leaves_existing_files_as_they_are(project, declare):
    (project / "inventory.yaml").write_text("mine")
    assert "kept     inventory.yaml" in declare("init").out
    assert (project / "inventory.yaml").read_text() == "mine"


def test_validate_tells_every_problem_with_its_place(project, declare):
    (project / "apps" / "bad.yaml").write_text("apps:\n  web:\n    image: x\n    replcas: 3\n    port: abc\n")
    ended = declare("validate")
    assert ended.code == 1 and not ended.out
    assert "bad.yaml:4:5: error: " in ended.err and "bad.yaml:5:11: error: " in ended.err
    assert ended.err.endswith("2 errors\n")


def test_validate_as_json_puts_the_problems_on_standard_output(project, declare):
    (project / "apps" / "bad.yaml").write_text("apps:\n  web:\n    replcas: 3\n")
    document = json.loads(declare("validate", "--json").out)
    assert (document["format"], document["valid"]) == ("declare.problems/1", False)


def test_options_may_stand_before_and_after_the_verb(project, declare):
    (project / "prod.yaml").write_text((project / "inventory.yaml").read_text())
    assert "prod.yaml" in declare("-i", "prod.yaml", "validate").out
    assert "prod.yaml" in declare("validate", "-i", "prod.yaml").out
    assert "prod.yaml" in declare("-i", "other.yaml", "validate", "-i", "prod.yaml").out


def test_the_environment_names_the_inventory_and_a_flag_wins(project, declare, monkeypatch):
    (project / "prod.yaml").write_text((project / "inventory.yaml").read_text())
    monkeypatch.setenv("DECLARE_INVENTORY", "prod.yaml")
    assert "prod.yaml" in declare("validate").out
    assert "inventory.yaml" in declare("validate", "-i", "inventory.yaml").out


def test_explain_knows_a_nested_field_and_suggests_for_an_unknown_one(declare):
    assert "default: start-first" in declare("explain", "update.order").out
    wrong = declare("explain", "helthcheck")
    assert wrong.code == 1 and 'did you mean "healthcheck"?' in wrong.err


def test_a_plan_ends_with_the_command_that_applies_it(planned, declare):
    ended = declare("plan", "web", "--lost", "web-3")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "To apply: declare apply web --lost web-3"
    assert planned.requests[0].apps == ("web",) and planned.requests[0].lost == ("web-3",)


def test_a_detailed_exit_code_tells_changes_from_none(planned, declare):
    assert declare("plan", "--detailed-exitcode").code == 2
    planned.plan = NOTHING
    assert declare("plan", "--detailed-exitcode").code == 0


@pytest.mark.usefixtures("planned")
def test_a_plan_as_json_or_markdown_is_nothing_else(declare):
    assert json.loads(declare("plan", "--json").out)["format"] == "declare.plan/1"
    assert declare("plan", "--markdown").out.startswith("### declare: Plan for shop")


@pytest.mark.usefixtures("planned")
def test_colour_only_where_it_was_asked_for(declare, monkeypatch):
    assert "\x1b[" not in declare("plan").out
    assert "\x1b[" in declare("--color", "always", "plan").out
    monkeypatch.setenv("DECLARE_COLOR", "always")
    assert "\x1b[" in declare("plan").out
    assert "\x1b[" not in declare("plan", "--color", "never").out


@pytest.mark.usefixtures("planned")
def test_a_workflow_gets_summary_outputs_and_annotations(declare, project, monkeypatch):
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.setenv(name, str(project / name))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    declare("plan")
    assert (project / "GITHUB_STEP_SUMMARY").read_text().startswith("### declare: Plan")
    assert "changes=true\n" in (project / "GITHUB_OUTPUT").read_text()
    (project / "apps" / "bad.yaml").write_text("apps:\n  web:\n    replcas: 3\n")
    assert "\n::error file=" in declare("validate").err


@pytest.mark.parametrize("verb", [["apply"], ["destroy"], ["restart", "web"]])
def test_without_a_terminal_and_without_yes_nothing_starts(executed, declare, verb):
    ended = declare(*verb)
    assert ended.code == 1 and "--yes" in ended.err and not executed.requests


@pytest.mark.parametrize("answer", ["y\n", "YES\n", "\n", "", "no\n", "yes please\n"])
@pytest.mark.usefixtures("executed")
def test_only_yes_counts(declare, monkeypatch, answer):
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    ended = declare("apply")
    assert ended.code == 1 and "not approved" in ended.err and "Apply complete" not in ended.out


def test_yes_applies_what_was_shown(executed, declare, monkeypatch):
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    executed.events = [Transition("web/1", "healthy", "web-1")]
    ended = declare("apply", "web")
    assert ended.code == 0
    assert "+/- web/1    web-1   :20411 → :20412" in ended.out
    assert ended.out.endswith("Apply complete: 5 done in 6 s.\n")
    assert "web/1         web-1     healthy\n" in ended.err


def test_with_nothing_to_do_nobody_is_asked(executed, planned, declare, monkeypatch):
    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    planned.plan = NOTHING
    ended = declare("apply")
    assert (ended.code, ended.out.splitlines()[-1][:13], executed.requests) == (0, "Nothing to do", [])


@pytest.mark.usefixtures("executed")
def test_nothing_to_do_on_an_incomplete_fleet_is_no_success(planned, declare):
    planned.plan = NOTHING_SEEN
    ended = declare("apply", "--yes")
    assert ended.code == 1 and "web-2 did not answer. Exit code 1." in ended.err


def test_a_failed_apply_shows_its_evidence_and_exits_with_3(executed, declare):
    failure = Failure("web/2", "web-2", "was not healthy after 60s", log_lines=("boom",))
    executed.outcome = Outcome(failed=1, changed=True, failures=(failure,))
    ended = declare("apply", "--yes")
    assert ended.code == 3 and "      boom\nApply failed: 1 failed. Exit code 3." in ended.err


def test_an_apply_as_json_is_a_line_for_each_event(executed, declare):
    executed.events = [Transition("web/1", "healthy", "web-1")]
    ended = declare("apply", "--yes", "--json")
    events = [json.loads(row)["event"] for row in ended.out.splitlines()]
    assert events == ["plan", "transition", "outcome"] and not ended.err


@pytest.mark.usefixtures("executed", "planned")
def test_a_fleet_that_moved_is_shown_and_asked_about_again(declare, monkeypatch):
    def apply_planned(plan, request, *, approve, listener, interrupt, exactly=False):  # noqa: ARG001
        approve(plan)
        plan.plan = replace(EVERYDAY, drift=())
        approve(plan)
        return Outcome(done=1, changed=True)

    monkeypatch.setattr("declare.flow.apply.apply_planned", apply_planned)
    ended = declare("apply", "--yes")
    assert ended.code == 0 and ended.out.count("Plan: 4 to replace") == 2


@pytest.mark.usefixtures("executed")
def test_destroy_and_restart_ask_for_plans_of_their_own(planned, declare):
    declare("destroy", "web", "--yes")
    declare("restart", "web", "--yes")
    destroy, restart = planned.requests
    assert destroy.destroy and destroy.apps == ("web",) and restart.restart == ("web",)


@pytest.mark.usefixtures("executed")
def test_an_expected_failure_is_told_with_its_help(declare, monkeypatch):
    def refuse(*_, **__):
        raise LockHeld("locked by ann@laptop (apply) since 10:00", help="declare unlock 3f2a9c")

    monkeypatch.setattr("declare.flow.apply.apply_planned", refuse)
    ended = declare("apply", "--yes")
    assert ended.code == 1
    assert ended.err.endswith("error: locked by ann@laptop (apply) since 10:00\n   = help: declare unlock 3f2a9c\n")


@pytest.mark.usefixtures("planned")
def test_a_bug_leaves_a_private_report_and_no_traceback(declare, monkeypatch, tmp_path):
    def crash(*_):
        raise RuntimeError("a\x1b[31m surprise")

    monkeypatch.setattr("declare.flow.plan.plan_project", crash)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    previous = os.umask(0)
    try:
        ended = declare("plan")
    finally:
        os.umask(previous)
    (report,) = (tmp_path / "cache" / "declare").iterdir()
    assert ended.code == 1 and "Traceback" not in ended.err and "\x1b" not in ended.err
    assert str(report) in ended.err and "Traceback" in report.read_text()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "Traceback" in declare("--debug", "plan").err
