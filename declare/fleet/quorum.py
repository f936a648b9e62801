"""Votes of hosts: one each, and in an even fleet the first by name has two, so that a majority always exists."""

from collections.abc import Iterable


def count_votes(voters: Iterable[str], hosts: Iterable[str]) -> int:
    """The votes that `voters` have in a fleet of `hosts`."""
    ordered = sorted(hosts)
    double = ordered[0] if len(ordered) % 2 == 0 and ordered else None
    return sum(2 if host == double else 1 for host in voters)


def is_majority(voters: Iterable[str], hosts: Iterable[str]) -> bool:
    """Whether `voters` have more than half of all votes; two majorities always share a host."""
    fleet = list(hosts)
    return 2 * count_votes(voters, fleet) > count_votes(fleet, fleet)
