"""Bundles checked whole over a graph in memory, and what is derived of them."""

import math
from datetime import UTC, date, datetime

import pytest

from graph.bundles.checked import Checked, Job, check_bundle
from graph.bundles.drafts import read_draft
from graph.errors import BundleError
from graph.model.bundle import LISTS, Bundle
from graph.model.page_keys import claim_keys, document_link_keys, evidence_keys, exposure_keys, influence_keys
from graph.model.rows import Prediction
from graph.model.subjects import row_id
from tests.helpers.bundles import bundle, claim, event, evidence, killing, prediction
from tests.helpers.fake_store import FakeStore

TODAY = date(2026, 4, 29)
EMPTY = bundle()


async def check(given: Bundle | str, stored: Bundle = EMPTY) -> Checked:
    """A bundle checked over a graph."""
    text = given if isinstance(given, str) else given.to_json()
    job = Job(read_draft(text), TODAY, lambda _done, _total: None, is_dry_run=False)
    return await check_bundle(FakeStore(stored), job)


def ids(checked: Checked, name: str) -> list[str]:
    """The ids of a list's rows, in order."""
    return [row_id(row) for _, row in checked.rows[name]]


async def test_rows_are_completed() -> None:
    """The deadline of the year, the import day, and the check-ins of a chain with an event."""
    checked = await check(bundle(predictions=[prediction()], milestones=[event()]))

    ((path, row),) = checked.rows["predictions"]
    assert isinstance(row, Prediction)
    assert (path, row.deadline, row.imported_on) == ("predictions[0]", datetime(2026, 12, 31, tzinfo=UTC), TODAY)
    assert ids(checked, "milestones") == ["P_1:check-in-1", "P_1:check-in-2", "P_1:check-in-3", "P_1:event"]
    assert {path for path, _ in checked.rows["milestones"]} == {"milestones[0]"}
    assert checked.num_rows() == 5


async def test_the_first_import_day_stays() -> None:
    """A window without a year counts from it."""
    stored = bundle(predictions=[prediction(imported_on="2026-01-01")])
    ((_, row),) = (await check(bundle(predictions=[prediction()]), stored)).rows["predictions"]

    assert isinstance(row, Prediction)
    assert row.imported_on == date(2026, 1, 1)


async def test_a_new_claim_begins_with_the_log_odds_of_its_whole_ledger() -> None:
    """Odds of 1 to 3 by what was stated, times 6 and 2 by two rows given in the wrong order: 4 to 1."""
    rows = [
        evidence("E_2", "S_1", total_llr=math.log(2), recorded_at="2026-06-01T00:00:00Z"),
        evidence("E_1", "S_1", total_llr=math.log(6)),
    ]
    checked = await check(bundle(scenarios=[claim("S_1", 0.25)], evidence=rows))

    stored = checked.derived["S_1"]
    assert stored["inside_log_odds"] == pytest.approx(math.log(4), rel=1e-12)
    assert stored["posterior"] == pytest.approx(0.8, rel=1e-12)
    assert stored["num_evidence"] == 2
    assert stored["last_recorded_at"] == datetime(2026, 6, 1, tzinfo=UTC)
    assert ids(checked, "evidence") == ["E_1", "E_2"]
    assert checked.derived["E_1"]["prior_inside_log_odds"] == pytest.approx(math.log(1 / 3), rel=1e-12)
    assert checked.derived["E_1"]["inside_log_odds"] == pytest.approx(math.log(2), rel=1e-12)
    assert checked.derived["E_2"]["inside_log_odds"] == pytest.approx(math.log(4), rel=1e-12)


async def test_a_claim_that_the_graph_has_is_left_to_be_recomputed() -> None:
    """What is derived of it depends on rows that the bundle does not hold."""
    stored = bundle(scenarios=[claim("S_1")], evidence=[evidence(owner="S_1")])
    later = evidence("E_2", "S_1", recorded_at="2026-06-01T00:00:00Z")
    checked = await check(bundle(scenarios=[claim("S_1"), claim("S_2")], evidence=[later]), stored)

    assert checked.derived.keys() == {"S_2"}


@pytest.mark.parametrize("is_stored", [True, False])
async def test_page_keys_rank_by_claims_and_documents_of_bundle_and_graph(is_stored: bool) -> None:
    """An influence by its ends' probabilities, a link by the document's day."""
    others = {
        "killers": [claim("TK_1", 0.25)],
        "tickers": [{"symbol": "NVDA"}],
        "documents": [{"id": "doc", "title": "A paper", "published_at": "2026-01-01T00:00:00Z"}],
    }
    given = {
        "predictions": [prediction()],
        "influences": [killing("TK_1", "P_1")],
        "exposures": [{"sign": "HARMS", "prediction_id": "P_1", "symbol": "NVDA", "relevance": 0.5}],
        "document_links": [{"document_id": "doc", "claim_id": "P_1"}],
        "evidence": [evidence()],
    }
    whole = bundle(**given) if is_stored else bundle(**given, **others)
    checked = await check(whole, bundle(**others) if is_stored else EMPTY)
    rows = {name: row for name, listed in checked.rows.items() for _, row in listed}

    assert checked.page_keys(rows["influences"]) == influence_keys(whole.influences[0], {"TK_1": 0.25, "P_1": 0.5})
    assert checked.page_keys(rows["document_links"]) == document_link_keys(
        whole.document_links[0], datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert checked.page_keys(rows["exposures"]) == exposure_keys(whole.exposures[0])
    assert checked.page_keys(rows["evidence"]) == evidence_keys(whole.evidence[0])
    assert isinstance(rows["predictions"], Prediction)
    assert checked.page_keys(rows["predictions"]) == claim_keys(rows["predictions"])


async def test_batches_come_in_the_order_of_the_lists() -> None:
    """A node is written before the relationships that end at it; lists without rows make none."""
    given = bundle(
        tickers=[{"symbol": "NVDA"}],
        predictions=[prediction()],
        exposures=[{"sign": "HARMS", "prediction_id": "P_1", "symbol": "NVDA"}],
        evidence=[evidence()],
    )
    names = [batch.name for batch in (await check(given)).batches()]

    assert names == ["tickers", "predictions", "evidence", "exposures"]
    assert names == sorted(names, key=LISTS.index)


async def test_a_relationship_has_its_ends_once_the_graph_has_both() -> None:
    """A node has none to miss."""
    stored = bundle(
        predictions=[prediction()],
        killers=[claim("TK_1")],
        tickers=[{"symbol": "A"}],
        documents=[{"id": "d", "title": "d"}],
    )
    given = bundle(
        predictions=[prediction("P_2")],
        tickers=[{"symbol": "B"}],
        documents=[{"id": "e", "title": "e"}],
        influences=[killing("TK_1", "P_1"), killing("TK_1", "P_2")],
        exposures=[{"sign": "HARMS", "prediction_id": "P_1", "symbol": symbol} for symbol in "AB"],
        document_links=[{"document_id": document, "claim_id": "P_1"} for document in "de"],
    )
    checked = await check(given, stored)

    for name in ("influences", "exposures", "document_links"):
        assert [checked.has_ends(row) for _, row in checked.rows[name]] == [True, False], name
    assert all(checked.has_ends(row) for name in ("predictions", "tickers") for _, row in checked.rows[name])


async def test_all_kinds_of_problems_are_listed_together() -> None:
    """Shape, references, derived data, ledger and cycles, each by its check."""
    stored = bundle(predictions=[prediction("P_9")], evidence=[evidence(owner="P_9")])
    text = bundle(
        predictions=[prediction(predictor_id="nobody", deadline="2026-01-01T00:00:00Z")],
        killers=[claim("TK_1"), claim("TK_2")],
        evidence=[evidence(owner="P_9", total_llr=9.0)],
        influences=[killing("TK_1", "TK_2"), killing("TK_2", "TK_1")],
    ).to_json()

    with pytest.raises(BundleError) as refused:
        await check(text.replace('"title": "TK_1"', '"titel": "TK_1"'), stored)

    paths = {problem.path for problem in refused.value.problems}
    assert {"killers[0].title", "killers[0].titel", "predictions[0].predictor_id", "predictions[0].deadline"} < paths
    assert "evidence[0]" in paths
    assert paths & {"influences[0]", "influences[1]"}
