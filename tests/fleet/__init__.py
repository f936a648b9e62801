"""Several real Docker hosts on one machine: each with its own network, engine and sshd, and each can be made to fail.

Standard library only: the quickstart starts it before anything is installed.
"""

from tests.fleet.errors import FleetError, why_no_fleet
from tests.fleet.fleet import Fleet
from tests.fleet.host import Host

__all__ = ["Fleet", "FleetError", "Host", "why_no_fleet"]
