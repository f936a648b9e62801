"""What happens during an apply, one line each; and what is under way, folded where it is much."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from declare.model.event import Failure, Transition
from declare.show.lines import Line, Span, Style, counted, line, pad, span

_SUBJECT, _HOST = 12, 8
_STYLES = {
    "healthy": Style.GOOD,
    "serving": Style.GOOD,
    "done": Style.GOOD,
    "removed": Style.REMOVE,
    "undone": Style.WARNING,
    "started again": Style.WARNING,
    "unreachable": Style.ERROR,
}
UNDER_WAY = frozenset(
    ("draining", "loading", "pulling", "copying", "reloading", "settling", "started", "starting", "stopping",
     "testing", "waiting")
)  # fmt: skip
"""States that something else must follow; every other state is an end."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Something under way, and for how many seconds."""

    subject: str
    host: str
    state: str
    seconds: float


def show_event(event: Transition | Failure) -> Line:
    """One line for one event; a failure's evidence comes with the outcome."""
    if isinstance(event, Failure):
        return line(span(f"✘ {_name(event.subject, event.host)} ", Style.ERROR), event.reason, hang=4)
    head = f"{pad(event.subject, _SUBJECT)}  {pad(event.host, _HOST)}  "
    rest = (f"  {event.detail}" if event.detail else "") + (f"  ({event.cause})" if event.cause else "")
    return line(head, span(event.state, _STYLES.get(event.state, Style.PLAIN)), rest, hang=4)


def show_heartbeat(pending: Sequence[Pending], *, seconds: float) -> Line:
    """One line that says what a silent apply is waiting for."""
    if not pending:
        return line(span(f"… still at work after {seconds:.0f} s", Style.QUIET))
    oldest = sorted(pending, key=lambda each: (-each.seconds, each.subject))[:4]
    names = ", ".join(f"{_name(each.subject, each.host)} {each.state} for {each.seconds:.0f} s" for each in oldest)
    more = f" and {len(pending) - len(oldest)} more" if len(pending) > len(oldest) else ""
    return line(span(f"… waiting after {seconds:.0f} s: {names}{more}", Style.QUIET), hang=2)


def show_pending(pending: Sequence[Pending], *, done: int, total: int, limit: int) -> list[Line]:
    """What is under way, one line each up to `limit`; the rest counted by state; and how far it all is."""
    ordered = sorted(pending, key=lambda each: (-each.seconds, each.subject))
    shown = ordered if len(ordered) <= limit else ordered[: max(limit - 1, 0)]
    subject = max((len(each.subject) for each in shown), default=0)
    host = max((len(each.host) for each in shown), default=0)
    lines = []
    for each in shown:
        text = f"{pad(each.subject, subject)}  {pad(each.host, host)}  {each.state}"
        lines.append(line(span("  ~ ", Style.UPDATE), text, _age(each)))
    if rest := ordered[len(shown) :]:
        states = ", ".join(f"{count} {state}" for state, count in sorted(Counter(each.state for each in rest).items()))
        lines.append(line(span(f"    and {len(rest)} more: {states}", Style.QUIET)))
    return [*lines, line(span(f"{done} of {counted(total, 'change')} done", Style.TITLE))]


def _age(pending: Pending) -> Span:
    return span(f"  {pending.seconds:.0f} s" if pending.seconds >= 1 else "", Style.QUIET)


def _name(subject: str, host: str) -> str:
    return f"{subject} on {host}" if host and host != subject else subject
