"""Breaking a lock on the operator's word."""

from declare.fleet.lock import break_lock
from declare.flow.engines import open_writers
from declare.flow.project import Project
from declare.model.errors import DeclareError, HostError


def unlock(project: Project, lock_id: str) -> list[str]:
    """Remove the lock with this id wherever it is; the hosts it was on. Raises LockHeld if another id holds it."""
    with open_writers(project.inventory) as engines:
        answering = {}
        for name, engine in engines.reachable.items():
            try:
                engine.read_info()
            except HostError:
                continue
            answering[name] = engine
        broken = break_lock(answering, project.inventory.project, lock_id)
    if not broken:
        raise DeclareError(f"no lock with the id {lock_id} is held", help="an apply that waits names the lock's id")
    return broken
