"""Outcomes that follow from supposed ones in families of claims."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from graph.errors import ConflictError, InvalidError
from graph.model.kinds import FamilyKind, FamilyRole
from graph.model.rows import MOST_MEMBERS, ClaimFamily


def imply_outcomes(
    families: Sequence[ClaimFamily],
    supposed: Mapping[str, bool],
    known: Mapping[str, bool],
    undecided: Collection[str],
    deadlines: Mapping[str, datetime],
    *,
    path: str = "observations",
) -> dict[str, bool]:
    """
    Return the outcomes that follow from supposed ones.

    Of outcomes that exclude each other, one that is true makes all others false, and where one must be true, the last
    one is. An event that has happened by one date has by all later ones, and one that has not has by no earlier one.

    Args:
        families: The families; those without a claim whose outcome is supposed or follows are left out.
        supposed: Supposed outcomes by the claim's id.
        known: Outcomes of members that are resolved.
        undecided: The open claims that the network includes.
        deadlines: Deadlines of members; those without one are left out of an event by several dates.
        path: Path of the supposed outcomes in the request, for error messages.

    Returns:
        Outcomes of undecided claims that are not supposed.

    Raises:
        ConflictError: Supposed and known outcomes contradict each other.
        InvalidError: Those of more than `MOST_MEMBERS` claims follow.
    """
    implied: dict[str, bool] = {}
    num_before = -1
    while len(implied) > num_before:  # what follows in one family may tell something in another
        num_before = len(implied)
        for family in families:
            outcomes = {**known, **supposed, **implied}
            if not any(member.claim_id in supposed or member.claim_id in implied for member in family.members):
                continue
            if family.kind is FamilyKind.EXCLUSIVE:
                implied |= _imply_exclusive(family, outcomes, undecided, path)
            else:
                implied |= _imply_dates(family, outcomes, undecided, deadlines, path)
    if len(implied) > MOST_MEMBERS:
        message = f"expected outcomes from which those of up to {MOST_MEMBERS} claims follow, got {len(implied)}"
        raise InvalidError(message, path=path)
    return implied


def _imply_exclusive(
    family: ClaimFamily, outcomes: Mapping[str, bool], undecided: Collection[str], path: str
) -> dict[str, bool]:
    ids = [member.claim_id for member in family.members]
    true = [claim_id for claim_id in ids if outcomes.get(claim_id) is True]
    left = [claim_id for claim_id in ids if claim_id not in outcomes and claim_id in undecided]
    if len(true) > 1:
        message = f"claims {true[0]!r} and {true[1]!r} exclude each other in the family {family.name!r}; suppose one"
        raise ConflictError(message, path=path)
    if true:
        return dict.fromkeys(left, False)
    if not family.is_exhaustive or len([claim_id for claim_id in ids if claim_id in outcomes]) + len(left) < len(ids):
        return {}
    if not left:
        message = f"one claim of the family {family.name!r} comes true, got all as false; leave one out"
        raise ConflictError(message, path=path)
    return {left[0]: True} if len(left) == 1 else {}


def _imply_dates(
    family: ClaimFamily,
    outcomes: Mapping[str, bool],
    undecided: Collection[str],
    deadlines: Mapping[str, datetime],
    path: str,
) -> dict[str, bool]:
    members = [member for member in family.members if member.claim_id in deadlines]
    # Whether the event happens by the deadline, which a claim that it does not happen before denies.
    told = [
        (deadlines[member.claim_id], member.claim_id, outcomes[member.claim_id] is (member.role is FamilyRole.BY))
        for member in members
        if member.claim_id in outcomes
    ]
    happened = min(((deadline, claim_id) for deadline, claim_id, is_true in told if is_true), default=None)
    absent = max(((deadline, claim_id) for deadline, claim_id, is_true in told if not is_true), default=None)
    if happened is not None and absent is not None and happened[0] <= absent[0]:
        message = (
            f"by the outcome of {happened[1]!r} the event of the family {family.name!r} happens by a date by which it "
            f"does not by that of {absent[1]!r}; change one"
        )
        raise ConflictError(message, path=path)
    implied: dict[str, bool] = {}
    for member in members:
        deadline, is_by = deadlines[member.claim_id], member.role is FamilyRole.BY
        if member.claim_id in outcomes or member.claim_id not in undecided:
            continue
        if happened is not None and deadline >= happened[0]:
            implied[member.claim_id] = is_by
        elif absent is not None and deadline <= absent[0]:
            implied[member.claim_id] = not is_by
    return implied
