"""A predictor's record: the one in use, that of this graph, and that kept elsewhere; they agree with each other."""

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.ledger.derived import adopt_policy
from tests.helpers.asking import ask, try_ask_at
from tests.helpers.bundles import bundle, prediction
from tests.helpers.database import empty

pytestmark = pytest.mark.statements

START, END = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
SOON, LATER = datetime(2098, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
DAYS = (END - START) / timedelta(days=1)
ELSEWHERE = {"record_kappa": 0.8, "record_brier": 0.2, "record_source": "table"}
LOCAL = {"own": (0.8, 0.83), "longer": (0.8,), "shorter": (0.8, 0.83), "new": ()}
"""Stated probabilities of each predictor's predictions, all of which came true on the last day."""
IMPORTED = {"longer": 9, "shorter": 1}
"""Numbers of predictions in the records kept elsewhere."""
KAPPAS = {"own": 0.6429, "longer": 0.5833, "shorter": 0.6429, "new": 0.5}
"""Under foregraph-1: (n + 5 · 0.5) / (n + 5), as the slope of a record without an error is 1."""
ASK = """query ($at: DateTime) { predictors { nodes { key kappa kappaSource record(asOf: $at) {
  effective { kappa kappaSource brier resolvedCount } imported { kappa kappaSource brier resolvedCount }
  local { kappa brier resolvedCount logScore curve { predictionCount } }
  kappa kappaSource brier resolvedCount logScore ownKappa curve { predictionCount } } } } }"""


def after(days: int) -> str:
    """A moment some days after the deadline."""
    return (END + timedelta(days=days)).isoformat()


def drifting(window: dict[str, str]) -> list[dict[str, Any]]:
    """Two failures of what was sure, ten members of a class that came true after their deadlines, and one early one."""
    failed: list[dict[str, Any]] = [
        {"predictor_id": "sure", "stated_probability": 0.9, "status": "RESOLVED_FALSE", "resolved_at": after(days)}
        for days in (2, 1)
    ]
    true = {"reference_class_id": "r", "status": "RESOLVED_TRUE"}
    members: list[dict[str, Any]] = [{**true, "resolved_at": after(days)} for days in range(1, 11)]
    early = {**true, "resolved_at": after(1), "window_start": START.isoformat(), "window_end": "2099-01-01T00:00:00Z"}
    rows: list[dict[str, Any]] = [*failed, *members, early]
    return [prediction(f"drift-{place}", from_year=None, **{**window, **row}) for place, row in enumerate(rows)]


def waiting() -> list[dict[str, Any]]:
    """What came true early: one of it is due soon, the other much later."""
    came = {"predictor_id": "waiting", "stated_probability": 0.8, "status": "RESOLVED_TRUE", "resolved_at": after(1)}
    windows = ({"window_start": START.isoformat(), "window_end": due.isoformat()} for due in (SOON, LATER))
    return [prediction(f"early-{place}", from_year=None, **came, **window) for place, window in enumerate(windows)]


@pytest.fixture(scope="module")
async def graph(migrated_database: Database) -> AsyncIterator[Database]:
    """Predictors with records of both kinds, in a graph under foregraph-1."""
    await empty(migrated_database)
    window = {"window_start": START.isoformat(), "window_end": END.isoformat()}
    outcome = {"status": "RESOLVED_TRUE", "resolved_at": END.isoformat()}
    predictors = [
        {"id": name, "name": name, **({**ELSEWHERE, "record_n_resolved": IMPORTED[name]} if name in IMPORTED else {})}
        for name in LOCAL
    ]
    predictions = [
        prediction(f"{name}-{place}", stated_probability=stated, predictor_id=name, from_year=None, **window, **outcome)
        for name, all_stated in LOCAL.items()
        for place, stated in enumerate(all_stated)
    ]
    given = bundle(
        predictors=[*predictors, {"id": "sure", "name": "Sure of itself"}, {"id": "waiting", "name": "Early"}],
        predictions=[*predictions, *drifting(window), *waiting()],
        reference_classes=[{"id": "r", "description": "Of even odds", "base_rate": 0.5}],
    )
    await import_bundle(migrated_database, given.model_copy(update={"policy": "foregraph-1"}))
    yield migrated_database
    await empty(migrated_database)


def calibrated_kappa(stated: tuple[float, ...]) -> float:
    """Under foregraph-2 clip(1 + b, .1, 1), b by a search of the log-posterior's maximum on ever finer grids."""
    log_odds = [math.log(p / (1.0 - p)) for p in stated]
    bent = np.array([3.0 * math.tanh(x / 3.0) for x in log_odds])
    offsets = -0.20 + 1.45 * bent * 0.6 - 0.04 * math.log(1.0 + DAYS)
    center, width = np.zeros(2), 1.0
    for _ in range(40):
        a, b = np.meshgrid(*(center[i] + width * np.linspace(-1.0, 1.0, 21) for i in range(2)), indexing="ij")
        inside = offsets + a[..., None] + b[..., None] * bent
        value = -(a**2 + b**2) / (2.0 * 0.3**2) - 0.1 * np.log1p(np.exp(-inside)).sum(-1)
        at = np.unravel_index(np.argmax(value), value.shape)
        center, width = np.array([a[at], b[at]]), width * 0.6
    return min(1.0, max(0.1, 1.0 + float(center[1])))


async def records(database: Database, at: datetime | None = None) -> dict[str, dict[str, Any]]:
    """Each predictor by key."""
    found = (await ask(database, ASK, at=None if at is None else at.isoformat())).data["predictors"]["nodes"]
    return {node["key"]: node for node in found}


def check(found: dict[str, dict[str, Any]], kappas: dict[str, float]) -> None:
    """The record in use is one of the two others, whole, and it is the one that the predictor's node names."""
    for name, stated in LOCAL.items():
        record = found[name]["record"]
        effective, local, imported = (record[part] for part in ("effective", "local", "imported"))
        brier = sum((1.0 - p) ** 2 for p in stated) / len(stated) if stated else None
        assert local["kappa"] == pytest.approx(kappas[name], abs=6e-5)
        assert (local["brier"], local["resolvedCount"]) == (pytest.approx(brier), len(stated))
        elsewhere = {"kappa": 0.8, "kappaSource": "table", "brier": 0.2, "resolvedCount": IMPORTED.get(name)}
        assert imported == (elsewhere if name in IMPORTED else None)
        own = {part: local[part] for part in ("kappa", "brier", "resolvedCount")}
        expected = imported if name == "longer" else {**own, "kappaSource": "resolved_predictions"}
        assert effective == expected
        assert [found[name][part] for part in ("kappa", "kappaSource")] == [
            effective["kappa"],
            effective["kappaSource"],
        ]
        flat = {part: record[part] for part in ("kappa", "kappaSource")}
        assert flat == {part: effective[part] for part in flat}
        assert {part: record[part] for part in ("brier", "resolvedCount", "logScore", "curve")} == {
            part: local[part] for part in ("brier", "resolvedCount", "logScore", "curve")
        }
        assert record["ownKappa"] == local["kappa"]


async def test_a_record_does_not_contradict_itself(graph: Database) -> None:
    """Under either policy, now and as of this moment; a change of policy leaves the past as it was."""
    check(await records(graph), KAPPAS)
    before = datetime.now(UTC)
    await adopt_policy(graph, "foregraph-2")
    calibrated = {name: calibrated_kappa(stated) for name, stated in LOCAL.items()}
    check(await records(graph), calibrated)

    now, then = await records(graph, datetime.now(UTC)), await records(graph, before)
    for name in LOCAL:
        assert now[name]["record"]["local"]["kappa"] == pytest.approx(calibrated[name], abs=6e-5)
        assert then[name]["record"]["local"]["kappa"] == KAPPAS[name]


async def test_figures_that_are_stored_take_no_further_statement(graph: Database) -> None:
    """Only the weight by local outcomes is computed by a statement of its own, where it is not the one in use."""
    document = "{ predictors { nodes { record { effective { kappa } imported { kappa } local { brier } } } } }"

    assert (await ask(graph, document)).num_statements <= 2


async def test_outcomes_that_no_longer_fit_are_told(graph: Database) -> None:
    """Three deviations each of what was said to be sure; ten of ten at even odds, the early one aside."""
    fields = "drift { aboveStated belowStated isAlert alertedAt outcomeCount }"
    document = f"""{{ sure: predictor(id: "sure") {{ {fields} }} own: predictor(id: "own") {{ {fields} }}
      new: predictor(id: "new") {{ {fields} }} r: referenceClass(id: "r") {{ {fields} }} }}"""

    found = {name: node["drift"] for name, node in (await ask(graph, document)).data.items()}

    moments = {name: drift.pop("alertedAt") for name, drift in found.items()}
    expected = {"sure": after(2), "own": None, "new": None, "r": after(10)}
    assert {name: at and datetime.fromisoformat(at) for name, at in moments.items()} == {
        name: at and datetime.fromisoformat(at) for name, at in expected.items()
    }
    assert found == {
        "sure": {"aboveStated": 0.0, "belowStated": 5.0, "isAlert": True, "outcomeCount": 2},
        "own": {"aboveStated": 0.0, "belowStated": 0.0, "isAlert": False, "outcomeCount": 2},
        "new": {"aboveStated": 0.0, "belowStated": 0.0, "isAlert": False, "outcomeCount": 0},
        "r": {"aboveStated": 5.0, "belowStated": 0.0, "isAlert": True, "outcomeCount": 10},
    }


@pytest.mark.parametrize(
    ("moment", "num_resolved", "num_statements"),
    [(SOON - timedelta(seconds=1), 0, 1), (SOON, 1, 2), (LATER - timedelta(seconds=1), 1, 2), (LATER, 2, 2)],
)
async def test_a_stored_record_serves_until_the_next_outcome_counts(
    graph: Database, moment: datetime, num_resolved: int, num_statements: int
) -> None:
    """No row is read before; from then on the record is computed anew, though nothing has stored it."""
    document = """{ predictor(id: "waiting") { drift { outcomeCount } record { local { resolvedCount brier } } } }"""

    answer = await try_ask_at(moment, graph, document)

    assert answer.errors == []
    brier = 0.04 if num_resolved else None  # (1 - .8)²
    assert answer.data["predictor"] == {
        "drift": {"outcomeCount": num_resolved},
        "record": {"local": {"resolvedCount": num_resolved, "brier": brier}},
    }
    assert answer.num_statements == num_statements
