"""A plan in a file: the inputs it was made from, and the plan itself, which the same inputs must give again.

JSON with a checksum, readable by its owner only. It holds fingerprints of secrets at most, never a value.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from declare.flow.engines import open_readers
from declare.flow.plan import Planned, PlanRequest, decide, look, read_values
from declare.flow.project import Project
from declare.load.app import parse_app
from declare.model.app import Desired, SecretSource, VolumeSpec
from declare.model.canonical import canonical_json, digest
from declare.model.errors import DeclareError, PlanStale
from declare.model.plan import Plan

FORMAT = "declare.saved-plan/1"
_LIMIT = 64 * 1024 * 1024


class NotAPlan(DeclareError):
    """The file is not a plan that `declare plan --out` wrote, or it was altered since."""


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What a plan file says: which inventory, which desired state, what was asked, and what the plan came out as."""

    inventory: str
    inventory_digest: str
    desired: Desired
    request: PlanRequest
    whole: bool
    plan_digest: str


def write_plan(path: Path, planned: Planned) -> None:
    """Write the file, new and complete or not at all, with mode 0600."""
    body = {
        "inventory": planned.inventory.path,
        "inventory_digest": _digest_inventory(planned.project),
        "desired": _encode_desired(planned.desired),
        "request": asdict(planned.request),
        "whole": planned.project.whole,
        "plan_digest": digest_plan(planned.plan),
    }
    text = canonical_json(body)
    outer = {"format": FORMAT, "sha256": hashlib.sha256(text.encode()).hexdigest(), "plan": body}
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(outer, file, indent=1, sort_keys=True, ensure_ascii=False)
            file.write("\n")
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read_plan(path: Path) -> SavedPlan:
    """The plan in a file; raises NotAPlan if it is not one, or not as it was written."""
    try:
        if path.stat().st_size > _LIMIT:
            raise NotAPlan(f"{path} is too large to be a plan")
        outer = json.loads(path.read_text())
        body = outer["plan"]
        if outer["format"] != FORMAT or outer["sha256"] != hashlib.sha256(canonical_json(body).encode()).hexdigest():
            raise NotAPlan(f"{path} was altered since it was written, or by another version", help="make a new plan")
        return _decode(body)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotAPlan(f"{path} is not a plan that declare wrote", help="declare plan --out FILE writes one") from error


def plan_again(saved: SavedPlan, project: Project) -> Planned:
    """The same plan for the fleet as it is now; raises PlanStale unless it comes out the same.

    `project` is the inventory that the plan was made for, with the saved desired state in place of its manifests.
    """
    if _digest_inventory(project) != saved.inventory_digest:
        raise PlanStale(f"{saved.inventory} has changed since this plan was made", help="make a new plan")
    values = read_values(project, saved.request)
    with open_readers(project.inventory) as engines:
        observed = look(project, engines.all, inspect_all=saved.request.inspect_all)
    planned = decide(project, saved.request, observed, values)
    if digest_plan(planned.plan) != saved.plan_digest:
        raise PlanStale("the fleet has changed since this plan was made", help="make a new plan and look at it")
    return planned


def with_saved(project: Project, saved: SavedPlan) -> Project:
    """The project as it was when the plan was saved."""
    return replace(project, desired=saved.desired, whole=saved.whole)


def digest_plan(plan: Plan) -> str:
    """One hash for all that a plan would do; where in which file it was declared makes no difference."""
    plain = asdict(replace(plan, warnings=(), apps=tuple(replace(app, source=None) for app in plan.apps)))
    return digest(json.loads(json.dumps(plain, default=_plain)))


def _plain(value: Any) -> Any:
    return value.value if hasattr(value, "value") else sorted(value)


def _digest_inventory(project: Project) -> str:
    plain = asdict(project.inventory)
    for name in ("path", "root"):
        plain.pop(name)
    return digest(json.loads(json.dumps(plain, default=_plain)))


def _encode_desired(desired: Desired) -> dict[str, Any]:
    return {
        "apps": {app.name: dict(app.spec) for app in desired.apps},
        "volumes": {name: asdict(volume) for name, volume in desired.volumes.items()},
        "secrets": {name: {"kind": s.kind, "value": list(s.value)} for name, s in desired.secrets.items()},
    }


def _decode(body: Any) -> SavedPlan:
    if not isinstance(body["inventory"], str) or not isinstance(body["whole"], bool):
        raise TypeError("the inventory is a path, and whole is true or false")
    desired = body["desired"]
    request: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in body["request"].items()
    }
    return SavedPlan(
        inventory=body["inventory"],
        inventory_digest=body["inventory_digest"],
        desired=Desired(
            apps=tuple(parse_app(name, spec) for name, spec in sorted(desired["apps"].items())),
            volumes={name: VolumeSpec(**volume) for name, volume in desired["volumes"].items()},
            secrets={name: SecretSource(s["kind"], tuple(s["value"])) for name, s in desired["secrets"].items()},
        ),
        request=PlanRequest(**request),
        whole=body["whole"],
        plan_digest=body["plan_digest"],
    )
