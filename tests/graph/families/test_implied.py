"""Outcomes that follow, against all combinations that a family leaves open."""

import json
from datetime import UTC, datetime
from itertools import product
from typing import Any

import numpy as np
import pytest

from graph.errors import ConflictError, InvalidError
from graph.families.implied import imply_outcomes
from graph.model.kinds import FamilyKind
from graph.model.rows import MOST_MEMBERS, ClaimFamily
from tests.helpers.bundles import family

SAVED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def group(*ids: str, **values: Any) -> ClaimFamily:
    """Outcomes that exclude each other."""
    return ClaimFamily.model_validate_json(json.dumps(family("group", SAVED_AT, *ids, **values)))


@pytest.mark.parametrize("is_exhaustive", [True, False])
@pytest.mark.parametrize("seed", range(60))
def test_what_follows_is_what_all_combinations_agree_on(seed: int, *, is_exhaustive: bool) -> None:
    """Of those with at most one that is true, or exactly one, which fit what is supposed and known."""
    random = np.random.default_rng(seed)
    ids = [*"ABCD"[: int(random.integers(2, 5))]]
    chosen = {claim_id: bool(random.random() < 0.3) for claim_id in ids if random.random() < 0.6}
    supposed = {claim_id: value for claim_id, value in chosen.items() if random.random() < 0.6}
    known = {claim_id: value for claim_id, value in chosen.items() if claim_id not in supposed}
    fitting = [
        dict(zip(ids, values, strict=True))
        for values in product((False, True), repeat=len(ids))
        if (sum(values) == 1 or (sum(values) == 0 and not is_exhaustive))
        and all(values[ids.index(claim_id)] is value for claim_id, value in chosen.items())
    ]
    families = [group(*ids, is_exhaustive=is_exhaustive)]

    if not fitting:
        with pytest.raises(ConflictError):
            imply_outcomes(families, supposed, known, ids)
        return
    expected = {
        claim_id: fitting[0][claim_id]
        for claim_id in ids
        if claim_id not in chosen and len({found[claim_id] for found in fitting}) == 1
    }
    assert imply_outcomes(families, supposed, known, ids) == expected


def test_nothing_follows_for_dates_and_from_claims_that_are_left_out() -> None:
    """An event by several dates implies nothing here; a claim that is neither open nor resolved may have been true."""
    dates = group("A", "B", kind=FamilyKind.BY_WHEN.value)
    assert imply_outcomes([dates], {"A": True}, {}, {"A", "B"}) == {}
    exactly_one = group("A", "B", "C", is_exhaustive=True)
    assert imply_outcomes([exactly_one], {"A": False}, {}, {"A", "B"}) == {}
    assert imply_outcomes([exactly_one], {"A": False}, {"C": False}, {"A", "B"}) == {"B": True}


def test_no_more_follows_than_an_answer_has_room_for() -> None:
    """Of two large families, by the argument that has the supposed outcomes."""
    names = [f"C{n}" for n in range(2 * MOST_MEMBERS)]
    families = [group(*names[:MOST_MEMBERS]), group(*names[MOST_MEMBERS:])]
    assert len(imply_outcomes(families[:1], {"C0": True}, {}, names)) == MOST_MEMBERS - 1
    with pytest.raises(InvalidError) as refused:
        imply_outcomes(families, {"C0": True, names[-1]: True}, {}, names)
    assert refused.value.path == "observations"
