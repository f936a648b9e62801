"""How an app's replicas are replaced: which container is there first, how many at once, for how long none is."""

from collections.abc import Iterable
from dataclasses import dataclass

from declare.decide.wish import Wish
from declare.model.app import Order
from declare.model.plan import Action, ReplicaChange

_STOP_AND_START = 4.0


@dataclass(frozen=True, slots=True)
class Replacement:
    """`cause` is why it is stop-first; `gap` the seconds without any replica to expect."""

    order: Order
    cause: str
    parallelism: int
    gap: float


def order_of(wish: Wish, host: str) -> tuple[Order, str]:
    """The order for a replica that is replaced on its own host, and the rule behind stop-first."""
    app = wish.app
    if wish.written:
        return "stop-first", f"it owns volume {_short(wish, wish.written[0])} on {host}"
    if app.publish:
        return "stop-first", f"it holds port {app.publish[0].host_port} of {host}"
    if app.host_network and app.ports:
        return "stop-first", f"it listens on the network of {host}"
    if app.update.order == "stop-first":
        return "stop-first", "its update says so"
    return "start-first", ""


def order_app(wish: Wish, replicas: Iterable[ReplicaChange]) -> Replacement:
    """The order for a whole app: stop-first as soon as one of its replicas must be."""
    changes = tuple(replicas)
    hosts = [change.old.host for change in changes if change.action is Action.REPLACE and change.old]
    parallelism = count_of(wish.app.update.parallelism, len(changes))
    if not hosts:
        return Replacement(wish.app.update.order or "start-first", "", parallelism, 0.0)
    order, cause = order_of(wish, min(hosts))
    wanted = sum(change.action is not Action.REMOVE for change in changes)
    missing = wish.app.update.max_unavailable
    absent = count_of(missing, wanted) if missing is not None else parallelism
    gap = _STOP_AND_START if order == "stop-first" and absent >= wanted else 0.0
    return Replacement(order, cause, parallelism, gap)


def count_of(amount: int | str, whole: int) -> int:
    """A number, or a percentage of the whole rounded down; at least one."""
    number = int(float(amount[:-1]) / 100 * whole) if isinstance(amount, str) and amount.endswith("%") else int(amount)
    return max(number, 1)


def _short(wish: Wish, volume: str) -> str:
    """The volume's name as the manifest has it."""
    named = sorted(mount.source for mount in wish.app.volumes if mount.source and not mount.read_only)
    return next((source for source in named if volume == source or volume.endswith(f"_{source}")), volume)
