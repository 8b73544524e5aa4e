"""Ledger entries that the service makes itself: what they weigh, and what the claim's node keeps after them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.errors import InvalidError, NotFoundError
from graph.inference.calibration import KappaInUse
from graph.inference.evidence import missed_check_in
from graph.ledger.claim_state import ClaimState
from graph.model.kinds import ClaimStatus
from graph.model.page_keys import belief_keys, claim_keys
from graph.model.properties import to_properties
from graph.model.rows import Killer, Milestone, Prediction
from graph.outcomes.service_entries import (
    EntryDetails,
    StoredClaim,
    get_claim,
    make_milestone_entry,
    make_outcome_entry,
    validated,
)
from tests.helpers.fake_unit import FakeUnit

NOW = datetime(2026, 7, 2, tzinfo=UTC)
RECORD = KappaInUse(0.25, "elsewhere", 0.1, 30)
DETAILS = EntryDetails(kind="resolution", observed_at=NOW, by="bob", note="So it was.", idempotency_key="k")
PREDICTION = Prediction(
    id="P", title="It happens", stated_probability=0.8, from_year=2026, predictor_id="ada", domain_id="chips"
)
STATE = ClaimState.from_claim(PREDICTION, None)
MILESTONE = Milestone.model_validate(
    {
        "id": "P:m",
        "prediction_id": "P",
        "kind": "CHECK_IN",
        "label": "A sign",
        "expected_date": "2026-06-01",
        "criterion": "It shows.",
    }
)


def stored_claim() -> StoredClaim:
    """The prediction as its node holds it, which has no absent properties."""
    properties = {name: value for name, value in to_properties(PREDICTION).items() if value is not None}
    return StoredClaim("Prediction", properties, STATE, "ada", RECORD)


def test_an_outcome_weighs_nothing() -> None:
    """It says who, when and why; the belief is the same before and after, and the row counts."""
    entry = make_outcome_entry(STATE, DETAILS, NOW)

    row = entry.row
    assert (row.evidence_kind, row.observed_at, row.submitted_by) == ("resolution", NOW, "bob")
    assert (row.note, row.idempotency_key) == ("So it was.", "k")
    assert (row.total_llr, row.total_adjusted_llr, row.contributions) == (0.0, 0.0, ())
    assert entry.before.belief(NOW) == entry.after.belief(NOW)
    assert entry.after.num_evidence == 1


def test_a_milestone_is_weighted_by_the_predictors_record() -> None:
    """The row names milestone and predictor; its one item is the milestone as it was expected."""
    weighed = missed_check_in()

    entry = make_milestone_entry(stored_claim(), STATE, DETAILS, NOW, (MILESTONE, weighed))

    row, (item,) = entry.row, entry.row.contributions
    assert (row.milestone_id, row.predictor_id, row.n_milestones) == ("P:m", "ada", 1)
    assert (row.total_llr, row.kappa) == (weighed.llr, 0.25)
    assert row.total_adjusted_llr == pytest.approx(0.25 * weighed.llr)
    assert (item.label, item.strength, item.criterion) == ("A sign", "weak", "It shows.")
    assert item.expected_date == MILESTONE.expected_date


def test_a_clients_words_are_checked_as_the_rows_values() -> None:
    """A refusal, whose path is the property; no error of the service's own."""
    with pytest.raises(InvalidError) as refused:
        make_outcome_entry(STATE, replace(DETAILS, note="a\0b"), NOW)

    assert refused.value.path == "note"
    with pytest.raises(InvalidError) as refused:
        validated(Milestone, {**dict(MILESTONE), "notes": ""})
    assert refused.value.path == "notes"


def test_a_resolved_predictions_node_has_the_page_keys_of_its_row() -> None:
    """All of them follow from status and belief, the record's order too; they are those of an import."""
    resolved_at = NOW - timedelta(days=1)
    state = replace(
        STATE,
        status=ClaimStatus.RESOLVED_TRUE,
        resolved_at=resolved_at,
    )

    properties = stored_claim().stored(state, NOW)

    belief = state.belief(NOW)
    assert belief is not None
    resolved = PREDICTION.model_copy(update={"status": ClaimStatus.RESOLVED_TRUE, "resolved_at": resolved_at})
    keys = {name: value for name, value in properties.items() if name.endswith("_key")}
    ledger = belief_keys("P", belief.probability, state.num_evidence, state.last_recorded_at)
    assert keys == {**claim_keys(resolved), **ledger}
    assert (properties["status"], properties["resolved_at"]) == ("RESOLVED_TRUE", resolved_at)
    assert properties["posterior"] == belief.probability


def test_another_claims_node_has_the_page_keys_of_all_claims() -> None:
    """Those that predictions have besides belong to what only predictions are tied to."""
    killer = Killer(id="K", title="The lights go out", stated_probability=0.1)
    claim = StoredClaim("Killer", to_properties(killer), ClaimState.from_claim(killer, None), None, None)

    stored = claim.stored(claim.state, NOW)

    assert {name: stored[name] for name in claim_keys(killer)} == claim_keys(killer)


@pytest.mark.parametrize("predictor", [None, {"id": "ada", "kappa": 0.25, "kappa_source": "s", "brier": 0.1}])
async def test_a_claim_is_read_with_its_predictors_record(predictor: dict[str, Any] | None) -> None:
    """Properties that the node does not have are None in the state."""
    claim = {"id": "S", "status": "OPEN", "stated_probability": 0.5}
    row = {"labels": ["Claim", "Scenario"], "claim": claim, "class": None, "predictor": None}
    if predictor is not None:
        row |= {"predictor": {**predictor, "n_resolved": 7}}
    unit = FakeUnit({"outcomes/get_claim": lambda **_: [row]})

    found = await get_claim(unit, "S")

    assert (found.subject, found.properties, found.state.num_evidence) == ("Scenario", claim, 0)
    if predictor is None:
        assert (found.predictor_id, found.record) == (None, None)
    else:
        assert (found.predictor_id, found.record) == ("ada", KappaInUse(0.25, "s", 0.1, 7))


async def test_an_unknown_claim_is_named() -> None:
    """With the argument that names it."""
    with pytest.raises(NotFoundError, match="no claim has the id 'X'; add it first") as refused:
        await get_claim(FakeUnit({"outcomes/get_claim": lambda **_: []}), "X", path="milestone")

    assert refused.value.path == "milestone"
