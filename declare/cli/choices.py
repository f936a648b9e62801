"""From the options of a command line to the request that the flow understands."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from declare.flow.plan import PlanRequest


def plan_request(apps: tuple[str, ...], choices: Mapping[str, Any], **more: Any) -> "PlanRequest":
    """The request for these apps with the values of `plan_options`."""
    from declare.flow.plan import PlanRequest

    return PlanRequest(
        apps=apps,
        lost=choices.get("lost", ()),
        prune=choices.get("prune"),
        allow_removal=choices.get("allow_removal"),
        inspect_all=choices.get("inspect_all", False),
        **more,
    )
