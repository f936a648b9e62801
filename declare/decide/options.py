"""What the user asked of a plan beside the manifests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """`apps`: only these, None for all. `prune`: the manifests are the whole truth, so what they lack is removed.

    `lost`: hosts that are given up. `allow_removal`: how many apps may go at once. `destroy`: everything goes, or all
    of `apps`; with `volumes` their data too. `restart`: apps whose replicas are all replaced though nothing changed.
    """

    apps: tuple[str, ...] | None = None
    prune: bool = True
    lost: frozenset[str] = frozenset()
    allow_removal: int | None = None
    destroy: bool = False
    volumes: bool = False
    restart: frozenset[str] = frozenset()

    def selects(self, app: str) -> bool:
        """Whether the plan is about this app at all."""
        return self.apps is None or app in self.apps
