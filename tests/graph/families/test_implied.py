"""Outcomes that follow, against all combinations that a family leaves open."""

import json
from datetime import UTC, datetime, timedelta
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
    supposed = {claim_id: value for claim_id, value in chosen.items() if random.random() < 0.6} or {ids[0]: False}
    chosen |= supposed
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
            imply_outcomes(families, supposed, known, ids, {})
        return
    expected = {
        claim_id: fitting[0][claim_id]
        for claim_id in ids
        if claim_id not in chosen and len({found[claim_id] for found in fitting}) == 1
    }
    assert imply_outcomes(families, supposed, known, ids, {}) == expected


@pytest.mark.parametrize("seed", range(80))
def test_dates_follow_from_when_the_event_may_happen(seed: int) -> None:
    """What all days agree on that fit, of those before and after each deadline; nothing, where nothing is known."""
    random = np.random.default_rng(seed)
    ids = [*"ABCD"[: int(random.integers(2, 5))]]
    days = {claim_id: int(random.integers(1, 5)) for claim_id in ids}
    roles = {claim_id: str(random.choice(["BY", "NOT_BEFORE"])) for claim_id in ids}
    chosen = {claim_id: bool(random.random() < 0.5) for claim_id in ids if random.random() < 0.5}
    supposed = {claim_id: value for claim_id, value in chosen.items() if random.random() < 0.6} or {ids[0]: False}
    chosen |= supposed
    known = {claim_id: value for claim_id, value in chosen.items() if claim_id not in supposed}
    courses = [{claim_id: (day <= days[claim_id]) is (roles[claim_id] == "BY") for claim_id in ids} for day in range(6)]
    fitting = [course for course in courses if all(course[claim_id] is chosen[claim_id] for claim_id in chosen)]
    members = [{"claim_id": claim_id, "role": roles[claim_id]} for claim_id in ids]
    families = [group(*ids, kind=FamilyKind.BY_WHEN.value, members=members)]
    deadlines = {claim_id: SAVED_AT + timedelta(days=day) for claim_id, day in days.items()}

    if not fitting:
        with pytest.raises(ConflictError):
            imply_outcomes(families, supposed, known, ids, deadlines)
        return
    expected = {
        claim_id: fitting[0][claim_id]
        for claim_id in ids
        if claim_id not in chosen and len({course[claim_id] for course in fitting}) == 1
    }
    assert imply_outcomes(families, supposed, known, ids, deadlines) == expected


def test_nothing_follows_from_claims_that_are_left_out() -> None:
    """A claim that is neither open nor resolved may have been true; one without a deadline has no place."""
    dates = group("A", "B", kind=FamilyKind.BY_WHEN.value)
    assert imply_outcomes([dates], {"A": True}, {}, {"A", "B"}, {"A": SAVED_AT}) == {}
    exactly_one = group("A", "B", "C", is_exhaustive=True)
    assert imply_outcomes([exactly_one], {"A": False}, {}, {"A", "B"}, {}) == {}
    assert imply_outcomes([exactly_one], {"A": False}, {"C": False}, {"A", "B"}, {}) == {"B": True}


def test_no_more_follows_than_an_answer_has_room_for() -> None:
    """Of two large families, by the argument that has the supposed outcomes."""
    names = [f"C{n}" for n in range(2 * MOST_MEMBERS)]
    families = [group(*names[:MOST_MEMBERS]), group(*names[MOST_MEMBERS:])]
    assert len(imply_outcomes(families[:1], {"C0": True}, {}, names, {})) == MOST_MEMBERS - 1
    with pytest.raises(InvalidError) as refused:
        imply_outcomes(families, {"C0": True, names[-1]: True}, {}, names, {})
    assert refused.value.path == "observations"


def test_what_follows_in_one_family_may_tell_something_in_another() -> None:
    """A wins, so B does not; B was to be first by a date, which makes C, by an earlier one, false as well."""
    dates = group("C", "B", kind=FamilyKind.BY_WHEN.value)
    families = [dates, group("A", "B"), group("X", "Y", is_exhaustive=True)]
    deadlines = {"B": SAVED_AT + timedelta(days=2), "C": SAVED_AT + timedelta(days=1)}

    found = imply_outcomes(families, {"A": True}, {"X": False}, {*"ABCXY"}, deadlines)

    assert found == {"B": False, "C": False}
