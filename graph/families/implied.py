"""Outcomes that follow from supposed ones, as outcomes of one family exclude each other."""

from collections.abc import Collection, Mapping, Sequence

from graph.errors import ConflictError, InvalidError
from graph.model.kinds import FamilyKind
from graph.model.rows import MOST_MEMBERS, ClaimFamily


def imply_outcomes(
    families: Sequence[ClaimFamily],
    supposed: Mapping[str, bool],
    known: Mapping[str, bool],
    undecided: Collection[str],
    *,
    path: str = "observations",
) -> dict[str, bool]:
    """
    Return the outcomes that follow from supposed ones: of outcomes that exclude each other, one that is true makes all
    others false, and where one must be true, the last one is.

    Args:
        families: The families of the supposed claims.
        supposed: Supposed outcomes by the claim's id.
        known: Outcomes of members that are resolved.
        undecided: The open claims that the network includes.
        path: Path of the supposed outcomes in the request, for error messages.

    Returns:
        Outcomes of undecided claims that are not supposed.

    Raises:
        ConflictError: Supposed and known outcomes exclude each other.
        InvalidError: Those of more than `MOST_MEMBERS` claims follow.
    """
    implied: dict[str, bool] = {}
    for family in families:
        if family.kind is FamilyKind.EXCLUSIVE:
            implied |= _imply(family, {**known, **supposed, **implied}, undecided, path)
    if len(implied) > MOST_MEMBERS:
        message = f"expected outcomes from which those of up to {MOST_MEMBERS} claims follow, got {len(implied)}"
        raise InvalidError(message, path=path)
    return implied


def _imply(family: ClaimFamily, outcomes: Mapping[str, bool], undecided: Collection[str], path: str) -> dict[str, bool]:
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
