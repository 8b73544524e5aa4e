"""Imports of forecasts, and backtests of what was imported."""

import csv
import io
from collections.abc import AsyncIterator

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.bundles.exporting import export_json
from graph.bundles.importing import import_bundle, import_text
from graph.database.sessions import Database
from graph.errors import BundleError, InvalidError, NotFoundError
from graph.forecasts.backtesting import read_record, run_backtest
from graph.forecasts.files import COLUMNS, question_id
from graph.forecasts.importing import import_forecasts
from graph.inference.backtest import backtest
from graph.inference.records import ForecastRecord
from graph.inference.replaying import POOLED, REPLAYS, STATED
from graph.model.bundle import Bundle
from tests.helpers.database import empty
from tests.helpers.forecasting import world

pytestmark = [pytest.mark.statements, pytest.mark.one_release]
NUM_QUESTIONS = 80


def table(record: ForecastRecord) -> str:
    """Write a record as a file, its forecasts in order."""
    questions, forecasts = record.questions, record.forecasts
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(COLUMNS)
    for at, question in enumerate(forecasts.questions.tolist()):
        writer.writerow(
            [
                f"Will it be {question:03d}?",
                f"forecaster {forecasts.predictors[at]}",
                forecasts.probabilities[at],
                f"{forecasts.moments[at]}Z",
                f"{questions.starts[question]}Z",
                f"{questions.deadlines[question]}Z",
                questions.outcomes[question],
                f"{questions.resolved_at[question]}Z",
            ]
        )
    return output.getvalue()


@pytest.fixture(scope="module")
async def imported(migrated_database: Database) -> AsyncIterator[Database]:
    """A graph of the made-up world's forecasts."""
    await empty(migrated_database)
    await import_forecasts(migrated_database, table(world(4, NUM_QUESTIONS)))
    yield migrated_database
    await empty(migrated_database)


async def test_what_was_imported_is_read_as_it_was(imported: Database) -> None:
    """Outcomes, windows, probabilities and moments, question by question."""
    record, found = world(4, NUM_QUESTIONS), await read_record(imported)
    order = np.argsort([question_id(f"Will it be {number:03d}?") for number in range(NUM_QUESTIONS)])

    assert_array_equal(found.questions.outcomes, record.questions.outcomes[order])
    assert_array_equal(found.questions.deadlines, record.questions.deadlines[order])
    assert_array_equal(found.questions.resolved_at, record.questions.resolved_at[order])
    own = np.concatenate([np.flatnonzero(record.forecasts.questions == number) for number in order])
    assert_array_equal(found.forecasts.moments, record.forecasts.moments[own])
    assert_allclose(found.forecasts.probabilities, record.forecasts.probabilities[own])
    assert np.unique(found.forecasts.predictors).size == np.unique(record.forecasts.predictors).size
    assert found.rows.moments.size == 0


async def test_a_backtest_of_the_graph_is_that_of_the_record(imported: Database) -> None:
    """The same scores as by the arrays that the file was written from."""
    found, expected = await run_backtest(imported), backtest(world(4, NUM_QUESTIONS))

    assert found.num_forecasts == expected.num_forecasts
    for ours, theirs in zip(found.policies, expected.policies, strict=True):
        assert [score.brier for score in ours.moments] == pytest.approx([score.brier for score in theirs.moments])
        assert ours.time_weighted_brier == pytest.approx(theirs.time_weighted_brier)
        assert ours.peer_score == pytest.approx(theirs.peer_score)


async def test_importing_again_changes_nothing(imported: Database) -> None:
    """Nor does a file with a fault, or one that changes a recorded forecast, which names its line."""
    text = table(world(4, NUM_QUESTIONS))
    again = await import_forecasts(imported, text)
    lines = text.splitlines()
    changed = "\n".join([lines[0], lines[1].replace(lines[1].split(",")[2], "0.123", 1)])
    faulty = "\n".join([lines[0], lines[1].replace("Will", "Might"), "q,a,7,2020-01-01,,,,"])

    assert again.num_changed() == 0
    with pytest.raises(BundleError, match=r"forecasts\[2\]: forecast 'forecast:\w+' is recorded with other values"):
        await import_forecasts(imported, changed)
    with pytest.raises(BundleError, match="line 3, probability"):
        await import_forecasts(imported, faulty)
    assert (await import_forecasts(imported, text, is_dry_run=True)).num_changed() == 0


async def test_exports_carry_forecasts(imported: Database) -> None:
    """Byte for byte through an empty graph."""
    before, after = list[bytes](), list[bytes]()
    await export_json(imported, before.append)
    bundle = Bundle.model_validate_json(b"".join(before))
    await empty(imported)
    await import_text(imported, b"".join(before))
    await export_json(imported, after.append)

    assert len(bundle.forecasts) == world(4, NUM_QUESTIONS).forecasts.moments.size
    assert b"".join(after) == b"".join(before)


async def test_policies_and_their_number_are_checked(imported: Database) -> None:
    """A wrong name is told the right ones, and a backtest that is too long is refused before it begins."""
    (only,) = (await run_backtest(imported, [POOLED], against=STATED)).policies

    assert only.policy == POOLED
    with pytest.raises(InvalidError, match=f"expected one of {', '.join(REPLAYS)}, got 'best'"):
        await run_backtest(imported, ["best"])
    with pytest.raises(InvalidError, match="expected at most 10 forecasts"):
        await run_backtest(imported, most_forecasts=10)


async def test_the_makers_statement_and_retractions_in_a_backtest(database: Database) -> None:
    """A maker without forecasts stated at the window's start; a retracted forecast and its retraction do not count."""
    with pytest.raises(NotFoundError, match="got none"):
        await run_backtest(database)
    moments = [f"2020-0{month}-01T00:00:00Z" for month in range(1, 6)]
    forecast = {"claim_id": "P", "stated_at": moments[1], "recorded_at": moments[1]}
    bundle = {
        "format": "foregraph-bundle/1",
        "predictors": [{"id": "maker", "name": "Maker"}, {"id": "other", "name": "Other"}],
        "predictions": [
            {
                "id": "P",
                "title": "P",
                "predictor_id": "maker",
                "stated_probability": 0.8,
                "window_start": moments[0],
                "window_end": moments[4],
                "status": "RESOLVED_FALSE",
                "resolved_at": moments[4],
            }
        ],
        "forecasts": [
            {"id": "F1", "predictor_id": "other", "probability": 0.1, **forecast},
            {"id": "F2", "predictor_id": "other", "probability": 0.4, **forecast, "stated_at": moments[2]},
            {"id": "F3", "predictor_id": "other", "retracts": "F1", **forecast, "recorded_at": moments[3]},
        ],
    }
    await import_bundle(database, Bundle.model_validate(bundle))
    record = await read_record(database)

    assert record.forecasts.probabilities.tolist() == [0.8, 0.4]
    assert [str(moment)[:10] for moment in record.forecasts.moments] == ["2020-01-01", "2020-02-01"]
    wrong = [{"id": "F4", "predictor_id": "maker", "retracts": "F2", **forecast}]
    with pytest.raises(BundleError, match=r"'F2' is no forecast by 'maker' on 'P'"):
        await import_bundle(database, Bundle.model_validate({**bundle, "forecasts": wrong}))
