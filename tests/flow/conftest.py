"""The world of the executing tests: flows are tested down to the same fake hosts."""

from tests.execute.conftest import world

__all__ = ["world"]
