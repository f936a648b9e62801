"""Events, what is under way, and how it ended."""

from declare.model.event import Failure, Outcome, Transition
from declare.show.events import Pending, show_event, show_heartbeat, show_pending
from declare.show.lines import to_text
from declare.show.outcome import show_failures, show_outcome

FAILED = Failure(
    "web/2",
    "web-2",
    "was not healthy after 60s",
    check="GET http://10.0.0.12:20118/up → 503",
    log_lines=("django.db.utils.OperationalError: password authentication failed",),
    result="web is back at 1.4.1: web/1 was put back, web/2 never left.",
    next_command="declare logs web/2 --previous",
)


def ended(**counts) -> str:
    return to_text(show_outcome(Outcome(**counts)))


def test_a_failure_shows_its_evidence_and_the_next_command():
    outcome = Outcome(failed=1, undone=1, not_started=1, changed=True, failures=(FAILED,))
    assert to_text([*show_failures(outcome), *show_outcome(outcome)]) == (
        "✘ web/2 on web-2 was not healthy after 60s   (GET http://10.0.0.12:20118/up → 503)\n"
        "    last log lines:\n"
        "      django.db.utils.OperationalError: password authentication failed\n"
        "    web is back at 1.4.1: web/1 was put back, web/2 never left.\n"
        "    more: declare logs web/2 --previous\n"
        "Apply failed: 1 failed, 1 undone, 1 not started. Exit code 3. "
        'Fix the cause and run "declare apply" again.\n'
    )


def test_a_death_by_memory_is_named():
    failure = Failure("web/1", "web-1", "stopped", exit_code=137, oom_killed=True)
    text = to_text(show_failures(Outcome(failed=1, failures=(failure,))))
    assert "exited with code 137, killed for using more memory than it may" in text


def test_log_lines_can_not_steer_the_terminal():
    failure = Failure("web/1", "web-1", "stopped", log_lines=("\x1b]52;c;x\x07" + "y" * 10_000,))
    text = to_text(show_failures(Outcome(failed=1, failures=(failure,))))
    assert "\x1b" not in text and len(text) < 600


def test_success_says_how_much_and_how_long():
    assert ended(done=4, changed=True, seconds=6.4) == "Apply complete: 4 done in 6 s.\n"


def test_a_silent_host_leaves_an_apply_incomplete():
    assert ended(done=4, changed=True, unreachable=("web-2",)) == (
        'Apply incomplete: 4 done. web-2 did not answer. Exit code 3. Run "declare apply" again later, '
        'or "declare apply --lost web-2" if it is gone for good.\n'
    )


def test_an_interruption_says_how_to_go_on():
    text = ended(done=2, not_started=3, interrupted=True, changed=True)
    assert text == 'Apply interrupted: 2 done, 3 not started. Exit code 130. Run "declare apply" to go on.\n'


def test_a_transition_is_one_line_that_cannot_be_split():
    row = to_text([show_event(Transition("web/2", "started", "web-2", ":20118\nx", "image changed"))])
    assert row == "web/2         web-2     started  :20118\\nx  (image changed)\n"


def test_a_heartbeat_names_the_oldest():
    pending = [Pending(f"web/{n}", "web-1", "started", float(n)) for n in range(9)]
    text = to_text([show_heartbeat(pending, seconds=30)])
    assert text.startswith("… waiting after 30 s: web/8 on web-1 started for 8 s") and "and 5 more" in text


def test_thirty_replicas_fold_to_the_height_there_is():
    pending = [Pending(f"web/{n}", "web-1", "pulling" if n % 2 else "started", float(n)) for n in range(30)]
    rows = to_text(show_pending(pending, done=3, total=33, limit=10)).splitlines()
    assert len(rows) == 11
    assert rows[-2].strip() == "and 21 more: 10 pulling, 11 started"
    assert rows[-1] == "3 of 33 changes done"
