"""A plan as lines for people: grouped by app, then replica; what is unchanged in one line; the last line is the next
command. Reads nothing but the plan, so equal plans give equal text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from declare.model.plan import Action, Drift, HostSummary, Plan
from declare.model.problem import Problem
from declare.show.lines import Line, Style, counted, line, listed, span, to_text
from declare.show.plan_apps import show_app
from declare.show.plan_rest import show_leftover, show_proxy, show_pull, show_volume, show_volume_removal
from declare.show.summary import MEANING, Summary, only_recorded, summarize
from declare.show.values import show_seconds


@dataclass(frozen=True, slots=True)
class Header:
    """What the plan was made from: declare's version, the inventory's path, and the manifests' commit, if known."""

    version: str
    inventory: str
    git: str | None = None


def render_plan(plan: Plan, *, header: Header | None = None, apply_command: str | None = None) -> list[Line]:
    """The whole plan. `apply_command` is named in the last line, if there is something to apply."""
    lines = [*_show_header(plan, header), *_show_unreachable(plan)]
    changes = [*_show_apps(plan), *show_beside_apps(plan)]
    lines += [*changes, line()] if changes else []
    summary = summarize(plan)
    if summary.unchanged and not plan.is_empty:
        lines += [_quiet(f"  = {counted(summary.unchanged, 'app')} unchanged"), line()]
    lines += show_findings(plan)
    lines += show_end(plan, summary)
    if apply_command and not plan.is_empty:
        lines.append(line(apply_command))
    return lines


def render_plan_text(
    plan: Plan, *, header: Header | None = None, apply_command: str | None = None, width: int | None = 100
) -> str:
    """The same as plain text, folded at `width` columns."""
    return to_text(render_plan(plan, header=header, apply_command=apply_command), width)


def apply_hint(*, saved: str | None = None, options: str = "") -> str:
    """The last line: how to apply a plan that was saved to a file, or the one shown."""
    if saved:
        return f"To apply exactly this plan: declare apply {saved}"
    return f"To apply: declare apply{options}"


def _show_header(plan: Plan, header: Header | None) -> Iterator[Line]:
    if not header:
        return
    reachable = sum(host.reachable for host in plan.hosts)
    hosts = f"{header.inventory}: {counted(len(plan.hosts), 'host')}, {reachable} reachable"
    git = f"   git {header.git}" if header.git else ""
    yield line(span(f"declare {header.version}", Style.TITLE), f"   {hosts}{git}")
    yield line()


def _show_unreachable(plan: Plan) -> Iterator[Line]:
    absent = [host for host in plan.hosts if not host.reachable or host.lost]
    width = max((len(host.name) for host in absent), default=0)
    for host in absent:
        yield _show_absent(host, width)
    if absent:
        yield line()


def _show_absent(host: HostSummary, width: int) -> Line:
    name = span(f"  ! {host.name:{width}}  ", Style.ERROR)
    reason = f": {host.reason}" if host.reason else ""
    if host.lost:
        rest = f"{reason}; its replicas are given up and placed elsewhere"
        return line(name, span("LOST", Style.ERROR), rest, hang=6)
    rest = f"{reason}; what runs there is unknown, and counts as it was last placed"
    return line(name, span("UNREACHABLE", Style.ERROR), rest, hang=6)


def show_findings(plan: Plan) -> list[Line]:
    """What nobody asked for: drift, and warnings."""
    drift = _section("Changed outside declare", [_show_drift(drift, plan.drift) for drift in plan.drift])
    return drift + _section("Warnings", [row for problem in plan.warnings for row in _show_warning(problem)])


def _show_apps(plan: Plan) -> Iterator[Line]:
    drifted = {drift.subject for drift in plan.drift}
    for app in plan.apps:
        if app.action is not Action.KEEP:
            yield from show_app(app, drifted)


def show_beside_apps(plan: Plan) -> Iterator[Line]:
    """What is made, changed and removed besides replicas."""
    hosts = [host.name for host in plan.hosts]
    for pull in plan.pulls:
        yield show_pull(pull, hosts)
    for volume in plan.volumes:
        yield show_volume(volume)
    for removal in plan.volume_removals:
        yield show_volume_removal(removal)
    if plan.proxy:
        yield from show_proxy(plan.proxy)
    for leftover in plan.leftovers:
        yield show_leftover(leftover)


def _show_drift(drift: Drift, among: Sequence[Drift]) -> Line:
    subject = max(len(each.subject) for each in among)
    host = max(len(each.host) for each in among)
    head = span(f"  ! {drift.subject:{max(subject, 7)}}", Style.WARNING)
    remedy = f"; {drift.remedy}" if drift.remedy else ""
    return line(head, f"   {drift.host:{host}}   {drift.found}{remedy}", hang=6)


def _show_warning(problem: Problem) -> Iterator[Line]:
    place = f"{problem.source}: " if problem.source else ""
    yield line(span("  ! ", Style.WARNING), f"{place}{problem.summary}", hang=6)
    if problem.help:
        yield line(f"      {problem.help}", hang=6)


def _section(title: str, rows: Sequence[Line]) -> list[Line]:
    return [line(span(title, Style.TITLE)), *rows, line()] if rows else []


def show_end(plan: Plan, summary: Summary) -> Iterator[Line]:
    """What the plan comes to, in one line."""
    unknown = [host.name for host in plan.hosts if not host.reachable and not host.lost]
    incomplete = f" Incomplete: {listed(unknown)} did not answer." if unknown else ""
    if plan.is_empty:
        yield line(span("Nothing to do", Style.GOOD), f": {_show_nothing(plan, summary)}.{incomplete}")
        return
    counts = ", ".join(_counts(summary))
    hosts = f"on {len(summary.touched)} of {counted(summary.hosts, 'host')}"
    gaps = _show_gaps(plan, summary)
    yield line(span("Plan: ", Style.TITLE), f"{counts}, {hosts}.{gaps}{incomplete}")


def _counts(summary: Summary) -> Iterator[str]:
    for name, meaning in MEANING.items():
        count = getattr(summary, name)
        if count or name == "remove":
            yield f"{count} {meaning}"


def _show_nothing(plan: Plan, summary: Summary) -> str:
    if not plan.apps:
        return "no apps are declared, and none are found"
    answered = sum(host.reachable for host in plan.hosts)
    one = summary.unchanged == 1
    return f"{counted(summary.unchanged, 'app')} {'is' if one else 'are'} as declared, on {counted(answered, 'host')}"


def _show_gaps(plan: Plan, summary: Summary) -> str:
    existing = (app for app in plan.apps if app.action not in (Action.KEEP, Action.CREATE, Action.REMOVE))
    if all(only_recorded(app) for app in existing):
        return ""
    exceptions = listed([f"{name}: about {show_seconds(gap)}" for name, gap in summary.gaps])
    return " 0 s without service" + (f", except {exceptions}." if exceptions else ".")


def _quiet(text: str) -> Line:
    return line(span(text, Style.QUIET))
