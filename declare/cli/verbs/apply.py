"""`declare apply`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from declare.cli.options import approval_options, json_events_option, plan_options, project_options
from declare.cli.session import Session

if TYPE_CHECKING:
    from declare.flow.plan import Planned


@click.command("apply")
@click.argument("targets", metavar="[APP]... | FILE.json", nargs=-1)
@json_events_option
@approval_options
@plan_options
@project_options
@click.pass_obj
def command(session: Session, /, *, targets: tuple[str, ...], **choices: Any) -> int:
    """Show the plan, ask, and carry it out.

    With FILE.json, a saved plan is carried out exactly; it is refused if the fleet or a secret has
    changed since. The first Ctrl-C finishes the step in hand and releases the lock, the second stops at
    once; run it again to go on.

    \b
    declare apply
    declare apply web --yes
    declare plan --out plan.json && declare apply plan.json
    """
    from declare.cli.approval import require_somebody
    from declare.cli.carry_out import carry_out, terms

    saved = _saved_plan(targets, choices)
    require_somebody(session, yes=choices["yes"])
    planned = _read_plan(session, saved) if saved else _make_plan(session, targets, choices)
    session.tell_problems(planned.project.warnings)
    return carry_out(session, planned, terms=terms(choices, exactly=saved is not None))


def _make_plan(session: Session, apps: tuple[str, ...], choices: dict[str, Any]) -> "Planned":
    from declare.cli.choices import plan_request
    from declare.flow.plan import plan_project

    project = session.open_project()
    return plan_project(project, plan_request(apps, choices), meanwhile=lambda: session.header(project))


def _read_plan(session: Session, path: str) -> "Planned":
    from declare.flow.saved import plan_again, read_plan, with_saved

    saved = read_plan(Path(path))
    session.inventory = session.inventory or saved.inventory
    return plan_again(saved, with_saved(session.open_project(manifests=False), saved))


def _saved_plan(targets: tuple[str, ...], choices: dict[str, Any]) -> str | None:
    files = [target for target in targets if target.endswith(".json")]
    if not files:
        return None
    if len(targets) > 1:
        raise click.UsageError("a saved plan is applied alone: it knows its apps")
    if choices["lost"] or choices["prune"] is not None or choices["allow_removal"] is not None:
        raise click.UsageError("--lost, --prune and --allow-removal belong to the plan that was saved")
    if not Path(files[0]).exists():
        raise click.UsageError(f"there is no plan file {files[0]}")
    return files[0]
