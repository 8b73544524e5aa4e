"""Families of claims as groups of outcomes of the network."""

from collections.abc import Mapping, Sequence

import numpy as np

from graph.inference.network.evidence import UNKNOWN, OutcomeArray
from graph.inference.network.groups import Group
from graph.model.kinds import FamilyKind
from graph.model.rows import ClaimFamily


def find_groups(families: Sequence[ClaimFamily], indices: Mapping[str, int], observed: OutcomeArray) -> list[Group]:
    """
    Find the groups of outcomes that exclude each other, in the order of the families.

    Families of other kinds are left out, as are those without a claim that the network includes, those with one of an
    earlier family, and those whose known outcomes contradict each other: claims of these are on their own.

    Args:
        families: The families.
        indices: Index of each claim that the network includes.
        observed: Outcomes of these claims, shape (n,).
    """
    groups, taken = list[Group](), set[int]()
    for family in families:
        claims = [indices[member.claim_id] for member in family.members if member.claim_id in indices]
        if family.kind is not FamilyKind.EXCLUSIVE or not claims:
            continue
        group = Group(np.array(claims, np.int64), bool(family.is_exhaustive))
        if taken.isdisjoint(claims) and not _is_contradictory(group, observed[group.claims]):
            taken.update(claims)
            groups.append(group)
    return groups


def _is_contradictory(group: Group, observed: OutcomeArray) -> bool:
    num_true = np.count_nonzero(observed == 1)
    return bool(num_true > 1 or (group.is_exhaustive and not num_true and not (observed == UNKNOWN).any()))


def same_groups(one: Sequence[Group], other: Sequence[Group]) -> bool:
    """Whether groups are the same, in the same order."""
    return len(one) == len(other) and all(
        ours.is_exhaustive == theirs.is_exhaustive and np.array_equal(ours.claims, theirs.claims)
        for ours, theirs in zip(one, other, strict=True)
    )
