"""Records by the outcomes in this graph: what they come to, until when they hold, and how they are stored."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.inference.calibration import calibration_record
from graph.ledger.local_records import NOTHING, PROPERTY, LocalRecord, read_local_record
from graph.ledger.predictor_outcomes import Outcomes

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """The moment as statements return it."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND


def outcome(stated: float, came: str, resolved: datetime, due: datetime | None = None) -> list[Any]:
    """A row of the statement that lists outcomes, without a window; it came true or false."""
    return [stated, came == "true", micros(resolved), None, None, None, due and micros(due), None]


def test_an_outcome_counts_once_its_prediction_is_due() -> None:
    """Of three one counts; the next does in two days, and not a microsecond earlier."""
    rows = [
        outcome(0.8, "true", NOW - DAY),
        outcome(0.7, "false", NOW, NOW + 2 * DAY),
        outcome(0.6, "true", NOW, NOW + 5 * DAY),
    ]
    outcomes = Outcomes.of(rows, {})

    found = LocalRecord.of(outcomes, NOW)

    assert (found.record.num_resolved, found.drift.sums.num_outcomes) == (1, 1)
    assert found.until == NOW + 2 * DAY
    assert found.holds_at(NOW + 2 * DAY - MICROSECOND)
    assert not found.holds_at(NOW + 2 * DAY)
    assert LocalRecord.of(outcomes, NOW + 2 * DAY).until == NOW + 5 * DAY
    assert LocalRecord.of(outcomes, NOW + 5 * DAY).until is None


def test_drift_follows_the_order_in_which_outcomes_count() -> None:
    """What was resolved first is due last, so its error stands after the others, each less .5."""
    last = outcome(0.08, "false", NOW - 9 * DAY, NOW)
    errors = [outcome(0.08, "true", NOW - 8 * DAY, NOW - 2 * DAY), outcome(0.08, "true", NOW - 7 * DAY, NOW - DAY)]

    drift = LocalRecord.of(Outcomes.of([last, *errors], {}), NOW).drift

    assert drift.sums.above == pytest.approx((2 * 0.92 - 0.08) / math.sqrt(0.08 * 0.92) - 3 * 0.5)
    assert drift.alerted_at is None
    assert LocalRecord.of(Outcomes.of([last, *errors], {}), NOW - MICROSECOND).drift.alerted_at == NOW - DAY


@given(
    st.lists(
        st.tuples(st.floats(1e-6, 1 - 1e-6), st.sampled_from(["true", "false"]), st.integers(-400, 400)),
        min_size=1,
        max_size=40,
    ),
)
def test_what_is_stored_is_read_back(drawn: list[tuple[float, str, int]]) -> None:
    """Every number to its last bit, and the moments to the microsecond."""
    rows = [outcome(stated, came, NOW + days * DAY + MICROSECOND) for stated, came, days in drawn]
    found = LocalRecord.of(Outcomes.of(rows, {}), NOW)

    assert read_local_record({PROPERTY: found.to_json()}) == found


def test_a_node_without_a_record_has_no_outcomes() -> None:
    """All scores are absent, and it holds for good."""
    found = read_local_record({PROPERTY: None})

    assert found == NOTHING
    assert found.record == calibration_record(np.empty(0), np.empty(0, np.bool_))
    assert found.holds_at(datetime(9999, 1, 1, tzinfo=UTC))
