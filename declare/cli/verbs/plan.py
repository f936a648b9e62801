"""`declare plan`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from declare.cli.options import json_option, plan_options, project_options
from declare.cli.session import Session

if TYPE_CHECKING:
    from declare.model.plan import Plan
    from declare.show.plan import Header


@click.command("plan")
@click.argument("apps", metavar="[APP]...", nargs=-1)
@click.option("-o", "--out", metavar="FILE", help="Write the plan to a file, for `declare apply FILE`.")
@json_option
@click.option("--markdown", is_flag=True, help="Print Markdown, as for a pull request comment.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if there are changes.")
@plan_options
@project_options
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    apps: tuple[str, ...],
    out: str | None,
    as_json: bool,
    markdown: bool,
    detailed_exitcode: bool,
    **choices: Any,
) -> int:
    """Show what would change on the hosts, and why.

    Nothing is written anywhere: the hosts are only read.
    A file written with --out ends in .json; it may be applied as long as the fleet and the secrets
    stay as they are. Exit code 0, also when there are changes, unless --detailed-exitcode is given.

    \b
    declare plan
    declare plan web db --out plan.json
    declare plan -i prod.yaml --lost web-2
    """
    from declare.cli.choices import plan_request
    from declare.flow.plan import plan_project

    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    if out and not out.endswith(".json"):
        raise click.UsageError(f'--out: the name of a plan file ends in ".json", not "{out}"')
    project = session.open_project()
    session.tell_problems(project.warnings)
    planned = plan_project(project, plan_request(apps, choices), meanwhile=lambda: session.header(project))
    plan = planned.plan
    if out:
        from declare.flow.saved import write_plan

        write_plan(Path(out), planned)
    header = session.header(project)
    _publish(plan, header)
    if as_json:
        from declare.show.json import plan_document

        session.print_json(plan_document(plan, header=header))
    elif markdown:
        from declare.show.markdown import render_markdown

        session.print_text(render_markdown(plan, header=header))
    else:
        from declare.show.plan import apply_hint, render_plan

        hint = apply_hint(saved=out, options=session.options_text() + _repeat(apps, choices))
        session.show(render_plan(plan, header=header, apply_command=hint))
    return 2 if detailed_exitcode and not plan.is_empty else 0


def _publish(plan: "Plan", header: "Header") -> None:
    from declare.cli.github import publish_plan, runs_there

    if runs_there():
        from declare.show.markdown import render_markdown

        publish_plan(plan, render_markdown(plan, header=header))


def _repeat(apps: tuple[str, ...], choices: dict[str, Any]) -> str:
    """What of this command line decides the plan, to be typed again."""
    parts = list(apps)
    for host in choices["lost"]:
        parts += ["--lost", host]
    if choices["prune"] is not None:
        parts.append("--prune" if choices["prune"] else "--no-prune")
    if choices["allow_removal"] is not None:
        parts += ["--allow-removal", str(choices["allow_removal"])]
    return "".join(f" {part}" for part in parts)
