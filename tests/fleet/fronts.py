"""Recording proxies before all engines of a fleet, with one journal: the order of requests over all hosts."""

import contextlib

from tests.fleet.fleet import Fleet
from tests.fleet.proxy import Journal, Proxy


class Fronts(contextlib.AbstractContextManager["Fronts"]):
    """For plain TCP fleets. `inventory` is the fleet's, with the proxies in the engines' places."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.journal = Journal()
        self.proxies = {
            host.name: Proxy((host.address, host.engine_port), host=host.name, journal=self.journal)
            for host in fleet.hosts.values()
        }

    def inventory(self, *, project: str = "test") -> str:
        return self.fleet.inventory(project=project, through={name: it.url for name, it in self.proxies.items()})

    def __exit__(self, *_: object) -> None:
        for proxy in self.proxies.values():
            proxy.close()
