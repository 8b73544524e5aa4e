"""The graph's nodes that a bundle names, read without a database."""

from datetime import UTC, date, datetime

from graph.bundles.batches import BATCH_ROWS
from graph.bundles.drafts import read_draft
from graph.bundles.known import list_known, stored_rows
from graph.model.subjects import REFERENCED_LISTS
from tests.helpers.bundles import bundle, claim, evidence, killing, prediction
from tests.helpers.fake_store import FakeStore
from tests.helpers.fake_unit import FakeUnit

STORED = bundle(
    predictors=[{"id": "ada", "name": "Ada"}],
    reference_classes=[{"id": "chips", "description": "Chips", "base_rate": 0.2}],
    tickers=[{"symbol": "NVDA"}, {"symbol": "OTHER"}],
    documents=[
        {"id": "doc", "title": "A paper", "published_at": "2026-01-01T00:00:00Z"},
        {"id": "undated", "title": "Another"},
    ],
    predictions=[prediction(predictor_id="ada", imported_on="2026-04-29"), prediction("P_OTHER")],
    killers=[claim("TK_1", None)],
    evidence=[evidence(), evidence("E_2")],
)
GIVEN = bundle(
    documents=[{"id": "undated", "title": "Another"}],
    predictions=[prediction("P_NEW", predictor_id="nobody", reference_class_id="chips")],
    influences=[killing("TK_1", "P_1")],
    exposures=[{"sign": "HARMS", "prediction_id": "P_NEW", "symbol": "NVDA"}],
    document_links=[{"document_id": "doc", "claim_id": "P_NEW"}],
)


async def test_a_bundle_asks_for_what_it_names_and_no_more() -> None:
    """Its own claims and documents, and every reference; each id once, in order, in one statement."""
    unit = FakeStore(STORED)
    await list_known(unit, read_draft(GIVEN.to_json()))

    ((name, asked),) = unit.calls
    assert name == "bundles/list_known"
    assert asked.keys() == set(REFERENCED_LISTS)
    assert {name: ids for name, ids in asked.items() if ids} == {
        "claims": ["P_1", "P_NEW", "TK_1"],
        "predictors": ["nobody"],
        "reference_classes": ["chips"],
        "tickers": ["NVDA"],
        "documents": ["doc", "undated"],
    }


async def test_what_is_found_is_known_by_id() -> None:
    """What is not asked for is not known, though it is stored."""
    known = await list_known(FakeStore(STORED), read_draft(GIVEN.to_json()))

    assert known.claim_kinds == {"P_1": "Prediction", "TK_1": "Killer"}
    assert known.probabilities == {"P_1": 0.5, "TK_1": None}
    assert known.import_days == {"P_1": date(2026, 4, 29)}
    assert known.predictor_ids == {"P_1": "ada"}
    assert known.ledger_lengths == {"P_1": 2, "TK_1": 0}
    assert known.base_rates == {"chips": 0.2}
    assert known.published == {"doc": datetime(2026, 1, 1, tzinfo=UTC), "undated": None}
    assert {name: ids for name, ids in known.ids.items() if ids} == {
        "claims": {"P_1", "TK_1"},
        "reference_classes": {"chips"},
        "tickers": {"NVDA"},
        "documents": {"doc", "undated"},
    }


async def test_stored_rows_are_asked_for_in_batches() -> None:
    """One statement takes so many ids; the rows come in the order of the ids."""
    unit = FakeUnit({"some/list": lambda ids: [{"rows": [{"id": node_id} for node_id in ids]}]})
    ids = [f"n{number}" for number in range(2 * BATCH_ROWS + 1)]

    assert await stored_rows(unit, "some/list", ids) == [{"id": node_id} for node_id in ids]
    assert [len(asked["ids"]) for _, asked in unit.calls] == [BATCH_ROWS, BATCH_ROWS, 1]
    assert await stored_rows(unit, "some/list", []) == []
