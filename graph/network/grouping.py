"""Families of claims as groups of outcomes, and as events by several dates, of the network."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.inference.network.dates import DatedClaims
from graph.inference.network.evidence import UNKNOWN, OutcomeArray
from graph.inference.network.groups import Group
from graph.inference.network.structure import NO_GROUP, IntArray
from graph.model.kinds import FamilyKind, FamilyRole
from graph.model.rows import ClaimFamily

LEAST_DATES: Final = 2
"""Claims of an event, between which there is something to imply."""


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


def find_events(
    families: Sequence[ClaimFamily],
    indices: Mapping[str, int],
    observed: OutcomeArray,
    dates: tuple[NDArray[np.datetime64], NDArray[np.datetime64]],
    taken: Collection[int],
) -> dict[str, DatedClaims]:
    """
    Find the events by several dates, by the name of the family.

    Families are left out that have fewer than two claims with a deadline that the network includes, a claim that is in
    a group of outcomes or an earlier family, or known outcomes that contradict each other. A claim by whose outcome the
    event has happened counts from the moment of the outcome on, if that is before its deadline.

    Args:
        families: The families.
        indices: Index of each claim that the network includes.
        observed: Outcomes of these claims, shape (n,).
        dates: Their deadlines, and when their outcomes were; NaT for none; shape (n,) each.
        taken: Claims that are in a group of outcomes.
    """
    found, others = dict[str, DatedClaims](), set(taken)
    deadlines, resolved = dates
    for family in families:
        members = [member for member in family.members if member.claim_id in indices]
        if family.kind is not FamilyKind.BY_WHEN or not members:
            continue
        claims = np.array([indices[member.claim_id] for member in members], np.int64)
        denies = np.array([member.role is not FamilyRole.BY for member in members], np.bool_)
        is_dated = ~np.isnat(deadlines[claims])
        claims, denies = claims[is_dated], denies[is_dated]
        has_happened = observed[claims] == np.where(denies, 0, 1)
        has_not = observed[claims] == np.where(denies, 1, 0)
        moments = deadlines[claims]
        early = has_happened & (resolved[claims] < moments)
        moments = np.where(early, resolved[claims], moments)
        if claims.size < LEAST_DATES or not others.isdisjoint(claims.tolist()):
            continue
        if has_happened.any() and (moments[has_not] >= moments[has_happened].min()).any():
            continue
        # Ties by key: indices are in the order of the ids.
        order = np.lexsort((claims, moments))
        found[family.name] = DatedClaims(
            claims[order], moments[order].astype(np.int64).astype(np.float64), denies[order]
        )
        others.update(claims.tolist())
    return found


def same_groups(one: Sequence[Group], other: Sequence[Group]) -> bool:
    """Whether groups are the same, in the same order."""
    return len(one) == len(other) and all(
        ours.is_exhaustive == theirs.is_exhaustive and np.array_equal(ours.claims, theirs.claims)
        for ours, theirs in zip(one, other, strict=True)
    )


def same_events(one: Mapping[str, DatedClaims], other: Mapping[str, DatedClaims]) -> bool:
    """Whether events are the same, in the same order."""
    return list(one) == list(other) and all(
        np.array_equal(getattr(ours, name), getattr(theirs, name))
        for ours, theirs in zip(one.values(), other.values(), strict=True)
        for name in ("claims", "dates", "denies")
    )


def family_numbers(groups: IntArray, events: IntArray) -> IntArray:
    """
    Number the families that claims are in: of no two does a claim have part.

    Args:
        groups: Number of the group of outcomes that a claim is in, NO_GROUP for none, shape (n,).
        events: Number of the event by several dates, likewise.
    """
    first = groups.max(initial=NO_GROUP) + 1
    return np.where(events == NO_GROUP, groups, events + first)
