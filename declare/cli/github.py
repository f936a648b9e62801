"""Hands results to GitHub Actions, where a run takes place there. Failing to do so never fails the command."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from declare.model.plan import Plan
from declare.model.problem import Problem


def runs_there() -> bool:
    """Whether this process is a step of a workflow."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def run_name() -> str:
    """The address of the workflow run this process is part of, "" outside one."""
    if not runs_there():
        return ""
    server, repository, run = (os.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return f"{server}/{repository}/actions/runs/{run}"


def annotate(stream: TextIO, problems: Sequence[Problem]) -> None:
    """Mark the problems beside the lines they are about."""
    if runs_there():
        from declare.show.github import show_annotations

        stream.writelines(f"{text}\n" for text in show_annotations(problems))
        stream.flush()


def publish_plan(plan: Plan, markdown: str) -> None:
    """Append the plan to the step's summary, and its counts to the step's outputs."""
    if runs_there():
        from declare.show.github import show_outputs

        _append("GITHUB_STEP_SUMMARY", markdown)
        _append("GITHUB_OUTPUT", "".join(f"{text}\n" for text in show_outputs(plan)))


def _append(variable: str, text: str) -> None:
    path = os.environ.get(variable)
    if path:
        with suppress(OSError), Path(path).open("a", encoding="utf-8") as stream:
            stream.write(text)
