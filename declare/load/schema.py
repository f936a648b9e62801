"""Checks the shape of what was read against the published schemas. The one module that knows jsonschema."""

from declare.load.document import Node
from declare.load.problems import Problems

Place = tuple[str | int, ...]


def check_shape(node: Node, kind: str, problems: Problems) -> set[Place]:
    """Add the problems of a tree's shape; the places of the values that are wrong."""
    return set()
