"""Values as JSON: every document names its format and version, keys keep the model's names, and nothing is left out
but secrets.
"""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from declare.model.canonical import Json
from declare.model.plan import AppChange, FieldChange, Plan
from declare.model.problem import Problem
from declare.show.problems import sort_problems
from declare.show.summary import summarize

if TYPE_CHECKING:
    from declare.model.event import Failure, Outcome, Transition
    from declare.model.status import HostStatus, Status
    from declare.show.plan import Header


def to_json(value: object) -> Json:
    """Any value of the model as JSON. Raises TypeError for what has no place there, a secret's value above all."""
    if value is None or isinstance(value, bool | int | float | str):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, AbstractSet):
        return [to_json(each) for each in sorted(value)]
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [to_json(each) for each in value]
    raise TypeError(f"{type(value).__name__} can't be shown as JSON")


def render_json(document: Json) -> str:
    """A document for files and pipes: indented, one trailing newline."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def render_json_line(document: Json) -> str:
    """A document on one line, so that each line of a stream is one."""
    return json.dumps(document, separators=(",", ":")) + "\n"


def plan_document(plan: Plan, *, header: "Header | None" = None) -> Json:
    """declare.plan/1."""
    return {
        "format": "declare.plan/1",
        "declare": header.version if header else None,
        "inventory": header.inventory if header else None,
        "git": header.git if header else None,
        "changes": not plan.is_empty,
        "complete": plan.complete,
        "summary": to_json(summarize(plan)),
        **to_json(_without_secrets(plan)),
    }


def problems_document(problems: Sequence[Problem]) -> Json:
    """declare.problems/1."""
    ordered = sort_problems(problems)
    return {
        "format": "declare.problems/1",
        "valid": not any(problem.is_error for problem in ordered),
        "problems": to_json(ordered),
    }


def status_document(status: "Status") -> Json:
    """declare.status/1."""
    return {"format": "declare.status/1", "complete": status.complete, **to_json(status)}


def hosts_document(hosts: "Sequence[HostStatus]") -> Json:
    """declare.hosts/1."""
    return {"format": "declare.hosts/1", "hosts": to_json(hosts)}


def proxy_document(configurations: Mapping[str, str]) -> Json:
    """declare.proxy/1."""
    return {"format": "declare.proxy/1", "configurations": to_json(configurations)}


def plan_event(plan: Plan, *, header: "Header | None" = None) -> Json:
    """declare.event/1: what is about to be carried out."""
    return {"format": "declare.event/1", "event": "plan", "plan": plan_document(plan, header=header)}


def event_document(event: "Transition | Failure") -> Json:
    """declare.event/1: one transition or failure."""
    return {"format": "declare.event/1", "event": type(event).__name__.lower(), **to_json(event)}


def outcome_event(outcome: "Outcome") -> Json:
    """declare.event/1: the last one of an apply."""
    ended = {"reached": outcome.reached, "exit_code": outcome.exit_code}
    return {"format": "declare.event/1", "event": "outcome", **ended, **to_json(outcome)}


def _without_secrets(plan: Plan) -> Plan:
    return replace(plan, apps=tuple(_hide(app) for app in plan.apps))


def _hide(app: AppChange) -> AppChange:
    return replace(app, fields=tuple(_hide_field(change) for change in app.fields))


def _hide_field(change: FieldChange) -> FieldChange:
    return replace(change, old=None, new=None) if change.secret else change
