"""The hosts as they are: reachable or why not, how full, what runs there."""

from declare.flow.engines import open_readers
from declare.flow.plan import look
from declare.flow.project import Project
from declare.model.inventory import Host
from declare.model.observed import ObservedHost
from declare.model.status import HostStatus


def read_hosts(project: Project) -> tuple[HostStatus, ...]:
    """All hosts of the inventory in the order of their names."""
    with open_readers(project.inventory) as engines:
        observed = look(project, engines.all)
    found = {host.name: host for host in observed.hosts}
    return tuple(_describe(host, found[host.name], project.inventory.project) for host in project.inventory.hosts)


def _describe(host: Host, found: ObservedHost, project: str) -> HostStatus:
    if not found.reachable or found.engine is None:
        return HostStatus(
            host.name,
            str(host.engine),
            address=host.address or "",
            reachable=False,
            reason=found.reason,
            state=host.state,
        )
    running = [container for container in found.containers if container.is_running]
    ours = [c for c in found.containers if c.owner and c.owner.project == project]
    return HostStatus(
        name=host.name,
        engine=str(host.engine),
        address=found.address,
        state=host.state,
        version=found.engine.version,
        cpus=(host.capacity.cpus if host.capacity else 0) or found.engine.cpus,
        cpus_used=sum(container.reserved.cpus for container in running),
        memory=(host.capacity.memory if host.capacity else 0) or found.engine.memory,
        memory_used=sum(container.reserved.memory for container in running),
        ours=len([c for c in ours if c.owner and c.owner.role in ("replica", "proxy")]),
        foreign=len(found.containers) - len(ours),
        clock_offset=found.engine.clock_offset,
    )
