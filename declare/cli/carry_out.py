"""From a plan to its outcome, for every verb that changes something: shown, approved, watched, summed up."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from declare.cli.approval import ask
from declare.cli.progress import open_progress
from declare.cli.session import Session
from declare.cli.signals import Terminated, request_on_signal
from declare.cli.underway import write_or_stop
from declare.execute.interrupt import Interrupt
from declare.model.errors import DeclareError
from declare.model.event import Outcome
from declare.model.plan import Plan
from declare.show.lines import line
from declare.show.plan import Header, render_plan
from declare.show.summary import is_busy

if TYPE_CHECKING:
    from declare.flow.plan import Planned

INTERRUPTED, TERMINATED = 130, 143


@dataclass(frozen=True, slots=True)
class Terms:
    """How a verb is carried out. `verb` names it in the summary; `exactly` refuses a fleet that has moved."""

    yes: bool
    lock_timeout: float
    as_json: bool
    verb: str = "apply"
    question: str = "Apply this plan?"
    exactly: bool = False


def terms(choices: Mapping[str, Any], **more: Any) -> Terms:
    """The terms from the values of `approval_options`."""
    return Terms(yes=choices["yes"], lock_timeout=choices["lock_timeout"], as_json=choices["as_json"], **more)


def carry_out(session: Session, planned: "Planned", *, terms: Terms) -> int:
    """Show, ask, execute; the exit code. Raises DeclareError if nothing was changed."""
    return _Run(session, terms, session.header(planned.project)).run(planned)


class _Run:
    """One verb at work. While it asks, signals act as usual; while it executes, they ask it to stop."""

    def __init__(self, session: Session, terms: Terms, header: Header) -> None:
        self._session = session
        self._terms = terms
        self._header = header
        self._interrupt = Interrupt()
        self._progress = open_progress(session, as_json=terms.as_json, lost=self._interrupt.request)
        self._watch = ExitStack()
        self._terminated: Callable[[], bool] = lambda: False

    def run(self, planned: "Planned") -> int:
        if planned.plan.is_empty:
            self._show(planned.plan)
            unread = (host.name for host in planned.plan.hosts if not host.reachable and not host.lost)
            return self._sum_up(Outcome(unreachable=tuple(unread)), quiet=planned.plan.complete)
        try:
            with self._watch:
                outcome = self._apply(planned)
        except DeclareError as error:
            if error.exit_code == INTERRUPTED and self._terminated():
                raise Terminated from error
            raise
        return self._sum_up(outcome)

    def _apply(self, planned: "Planned") -> Outcome:
        from declare.cli.github import run_name
        from declare.flow.apply import ApplyRequest, apply_planned

        terms = self._terms
        request = ApplyRequest(planned.request, lock_timeout=terms.lock_timeout, command=terms.verb, run=run_name())
        return apply_planned(
            planned,
            request,
            approve=self._approve,
            listener=self._progress,
            interrupt=self._interrupt,
            exactly=terms.exactly,
        )

    def _approve(self, planned: "Planned") -> bool:
        """Also called again, under the lock, when the fleet has moved since the plan was approved."""
        again = self._watch.pop_all()
        again.close()
        self._show(planned.plan)
        ask(self._session, yes=self._terms.yes, question=self._terms.question)
        self._terminated = self._watch.enter_context(request_on_signal(self._stop))
        self._watch.callback(self._progress.end)
        changes = (change for app in planned.plan.apps for change in app.replicas if is_busy(change))
        self._progress.begin({str(change) for change in changes})
        return True

    def _stop(self) -> None:
        level = self._interrupt.request()
        rest = "the step in hand is finished first; once more stops at once" if level == 1 else "stopping now"
        self._progress.say(line(f"interrupted: {rest}"))

    def _show(self, plan: Plan) -> None:
        if self._terms.as_json:
            from declare.show.json import plan_event, render_json_line

            self._session.print_text(render_json_line(plan_event(plan, header=self._header)))
        else:
            self._session.show(render_plan(plan, header=self._header))

    def _sum_up(self, outcome: Outcome, *, quiet: bool = False) -> int:
        """The exit code tells what happened to the hosts, whether or not anybody still reads."""
        write_or_stop(lambda: self._show_outcome(outcome, quiet=quiet), lambda: None)
        return TERMINATED if outcome.interrupted and self._terminated() else outcome.exit_code

    def _show_outcome(self, outcome: Outcome, *, quiet: bool) -> None:
        from declare.show.outcome import show_failures, show_outcome

        self._session.tell(show_failures(outcome))
        if self._terms.as_json:
            from declare.show.json import outcome_event, render_json_line

            self._session.print_text(render_json_line(outcome_event(outcome)))
        elif not quiet:
            again = f"declare {self._terms.verb}{self._session.options_text()}"
            lines = show_outcome(outcome, verb=self._terms.verb, again=again)
            (self._session.show if outcome.reached else self._session.tell)(lines)
