"""A plan as a pull request comment: the summary first, each app folded; small enough for GitHub; nothing in it is read
as markup.
"""

from collections.abc import Collection, Sequence

from declare.model.plan import Action, AppChange, HostSummary, Plan
from declare.show.lines import Line, counted, escape, listed, shorten, to_text
from declare.show.plan import Header, show_beside_apps, show_end, show_findings
from declare.show.plan_apps import show_app
from declare.show.summary import summarize

LIMIT = 65_536
_RESERVE = 2_000
_SIGNS = {"+": "+ ", "-": "- ", "~": "! ", ">": "! ", "!": "! "}
_SPECIAL = str.maketrans({character: f"&#{ord(character)};" for character in "&<>`|*_[]\\#@~"})


def render_markdown(plan: Plan, *, header: Header | None = None, limit: int = LIMIT) -> str:
    """The comment, below `limit` bytes; what is left out is counted."""
    parts = [*_head(plan, header)]
    size = _size(parts) + _RESERVE
    drifted = {drift.subject for drift in plan.drift}
    skipped: list[str] = []
    for app in plan.apps:
        part = _details(app, drifted)
        if part and size + _size([part]) > limit:
            skipped.append(app.name)
            continue
        parts.append(part)
        size += _size([part])
    rest = _rest(plan)
    if size + _size([rest]) <= limit:
        parts.append(rest)
    if skipped:
        names = quote(listed(skipped))
        parts.append(f"**{counted(len(skipped), 'more app')}** did not fit into this comment: {names}\n")
    return "\n".join(part for part in parts if part)


def quote(text: str) -> str:
    """Text that Markdown and HTML show as it is."""
    return escape(text).translate(_SPECIAL)


def _size(parts: Sequence[str]) -> int:
    return sum(len(part.encode()) + 1 for part in parts)


def _head(plan: Plan, header: Header | None) -> list[str]:
    title = "Nothing to do" if plan.is_empty else "Plan"
    origin = f" · {quote(header.inventory)}" + (f" · {quote(header.git)}" if header.git else "") if header else ""
    end = quote(to_text(show_end(plan, summarize(plan))).strip())
    absent = [host for host in plan.hosts if not host.reachable]
    warned = "".join(f"> **{quote(host.name)} {_fate(host)}**: {quote(host.reason)}\n" for host in absent[:20])
    return [f"### declare: {title} for {quote(plan.project)}{origin}\n", f"{end}\n", warned]


def _fate(host: HostSummary) -> str:
    return "is lost" if host.lost else "did not answer"


def _details(app: AppChange, drifted: Collection[str]) -> str:
    lines = list(show_app(app, drifted)) if app.action is not Action.KEEP else []
    return _fold(f"{quote(app.name)}: {_verb(app)}", lines) if lines else ""


def _rest(plan: Plan) -> str:
    lines = [*show_beside_apps(plan), *show_findings(plan)]
    return _fold("images, volumes, proxy, drift and warnings", lines) if lines else ""


def _verb(app: AppChange) -> str:
    actions = [change.action for change in app.replicas]
    counts = [(actions.count(action), action.value) for action in Action if action is not Action.KEEP]
    return ", ".join(f"{count} to {verb}" for count, verb in counts if count) or "no container changes"


def _fold(summary: str, lines: Sequence[Line]) -> str:
    body = "".join(_diff_line(text) for text in to_text(lines).rstrip().splitlines())
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"<details><summary>{summary}</summary>\n\n{fence}diff\n{body}{fence}\n\n</details>\n"


def _diff_line(text: str) -> str:
    stripped = text.strip()
    sign = "! " if stripped.startswith(("+/-", "-/+")) else _SIGNS.get(stripped[:1], "  ")
    return shorten(sign + text.removeprefix("  "), 2000) + "\n"


def _longest_run(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest
