"""Secrets in a label: each use carries its value's keyed fingerprint, never the value."""

from collections.abc import Mapping

from declare.model.app import App
from declare.model.canonical import Json

FINGERPRINT = "fingerprint"


def label_spec(app: App, fingerprints: Mapping[str, str]) -> dict[str, Json]:
    """The app's container spec as its containers' label has it: each secret with its fingerprint, where it is known."""
    spec = app.container_spec
    if "secrets" in spec:
        spec["secrets"] = [_mark(use, fingerprints) for use in spec["secrets"]]
    return spec


def name_of(use: Json) -> str:
    """The secret that an entry of `secrets` names, in its short form or its long one."""
    return use if isinstance(use, str) else str(use.get("name") or use.get("source") or "")


def _mark(use: Json, fingerprints: Mapping[str, str]) -> Json:
    known = fingerprints.get(name_of(use))
    if known is None:
        return use
    whole = {"name": use} if isinstance(use, str) else dict(use)
    return {**whole, FINGERPRINT: known}
