"""How an apply ended: the evidence of each failure, one summary, and what to type next."""

from collections.abc import Iterator

from declare.model.event import Failure, Outcome
from declare.show.lines import Line, Style, line, listed, shorten, span
from declare.show.values import show_seconds

_LOG_LINE = 400


def show_failure(failure: Failure) -> Iterator[Line]:
    """One failure: what, where, the check's last answer, how the process ended, its last words, what was done."""
    where = f" on {failure.host}" if failure.host and failure.host != failure.subject else ""
    check = f"   ({failure.check})" if failure.check else ""
    yield line(span(f"✘ {failure.subject}{where} ", Style.ERROR), failure.reason, check, hang=4)
    if ending := _show_ending(failure):
        yield line(f"    {ending}")
    if failure.log_lines:
        yield line("    last log lines:")
        for text in failure.log_lines:
            yield line(span(f"      {shorten(text, _LOG_LINE)}", Style.QUIET), hang=8)
    if failure.result:
        yield line(f"    {failure.result}", hang=4)
    if failure.next_command:
        yield line(f"    more: {failure.next_command}", hang=4)


def show_failures(outcome: Outcome) -> list[Line]:
    """The evidence of everything that failed."""
    return [row for failure in outcome.failures for row in show_failure(failure)]


def show_outcome(outcome: Outcome, *, verb: str = "apply", again: str = "declare apply") -> list[Line]:
    """The last line."""
    name = verb.capitalize()
    counts = ", ".join(_show_counts(outcome))
    if outcome.reached:
        took = f" in {show_seconds(outcome.seconds)}" if outcome.seconds else ""
        return [line(span(f"{name} complete", Style.GOOD), f": {counts or _show_nothing(outcome)}{took}.")]
    counts = counts or "nothing was changed"
    code = f"Exit code {outcome.exit_code}."
    if outcome.interrupted:
        return [line(span(f"{name} interrupted", Style.WARNING), f': {counts}. {code} Run "{again}" to go on.')]
    silent = f" {listed(outcome.unreachable)} did not answer." if outcome.unreachable else ""
    if outcome.failed or outcome.undone:
        text = f': {counts}.{silent} {code} Fix the cause and run "{again}" again.'
        return [line(span(f"{name} failed", Style.ERROR), text)]
    lost = " ".join(f"--lost {host}" for host in outcome.unreachable)
    hint = f', or "{again} {lost}" if it is gone for good' if lost else ""
    text = f': {counts}.{silent} {code} Run "{again}" again later{hint}.'
    return [line(span(f"{name} incomplete", Style.WARNING), text)]


def _show_nothing(outcome: Outcome) -> str:
    return "no replica had to be changed" if outcome.changed else "nothing had to be changed"


def _show_counts(outcome: Outcome) -> Iterator[str]:
    if outcome.done:
        yield f"{outcome.done} done"
    if outcome.failed:
        yield f"{outcome.failed} failed"
    if outcome.undone:
        yield f"{outcome.undone} undone"
    if outcome.not_started:
        yield f"{outcome.not_started} not started"


def _show_ending(failure: Failure) -> str:
    ended = "" if failure.exit_code is None else f"exited with code {failure.exit_code}"
    if failure.oom_killed:
        return f"{ended}, killed for using more memory than it may" if ended else "killed for using too much memory"
    return ended
