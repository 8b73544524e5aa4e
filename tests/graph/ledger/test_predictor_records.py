"""Predictors' records: which one counts, what is stored of it, and what is left alone."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graph.inference.calibration import OWN_RECORD, KappaInUse
from graph.inference.evidence import POLICY
from graph.ledger.predictor_records import (
    BATCH_PREDICTORS,
    ELSEWHERE,
    imported_record,
    kappa_of,
    list_records,
    refresh_records,
    stored_record,
)
from graph.ledger.settings import NO_SETTING
from graph.model.page_keys import record_keys
from tests.helpers.fake_unit import FakeUnit

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RESOLVED, DUE = 1_700_000_000_000_000, 1_735_603_200_000_000

PROPERTIES = (
    "record_kappa",
    "record_n_resolved",
    "record_source",
    "record_brier",
    "kappa",
    "kappa_source",
    "brier",
    "n_resolved",
    "record_at",
    "local_record",
    "brier_key",
    "kappa_key",
    "resolved_count_key",
)


def node(**given: Any) -> dict[str, Any]:
    """A predictor's properties, None where nothing is given."""
    return {"id": "ada", **dict.fromkeys(PROPERTIES), **given}


def outcomes(stated: float, came_true: list[bool], due: int | None = DUE) -> list[list[Any]]:
    """Rows of the statement that lists records: no window, resolved in 2023, due at the end of 2024."""
    return [[stated, outcome, RESOLVED, None, None, None, due, None] for outcome in came_true]


def test_a_predictor_without_a_record_gets_the_prior() -> None:
    """Half weight, by nobody's record but the empty one of its own."""
    assert kappa_of(node()) == KappaInUse(POLICY.kappa_prior, OWN_RECORD, None, 0)


def test_an_imported_record_counts_until_there_is_an_own_one() -> None:
    """The source is named where the import names it."""
    given = {"record_kappa": 0.9, "record_n_resolved": 12, "record_brier": 0.05}

    assert kappa_of(node(**given)) == KappaInUse(0.9, ELSEWHERE, 0.05, 12)
    assert kappa_of(node(**given, record_source="a tournament")).source == "a tournament"
    assert kappa_of(node(**given, kappa=0.4, kappa_source=OWN_RECORD, brier=0.2, n_resolved=20)) == KappaInUse(
        0.4, OWN_RECORD, 0.2, 20
    )


@pytest.mark.parametrize("missing", ["record_kappa", "record_n_resolved"])
def test_an_imported_record_without_kappa_or_count_is_none(missing: str) -> None:
    """It can neither weigh anything nor be compared with another."""
    given = {"record_kappa": 0.9, "record_n_resolved": 12} | {missing: None}

    assert imported_record(node(**given)) is None
    assert kappa_of(node(**given)).kappa == POLICY.kappa_prior


@pytest.mark.parametrize("brier", [None, 0.2])
def test_what_is_stored_is_read_back(brier: float | None) -> None:
    """A node keeps the whole record."""
    record = KappaInUse(0.4, OWN_RECORD, brier, 20)

    assert kappa_of(node(**stored_record(record))) == record


async def test_a_record_is_recomputed_from_resolved_predictions() -> None:
    """Two of three stated at 0.9 came true: the Brier score is the mean of the squared errors."""
    row = {"predictor": node(record_kappa=0.9, record_n_resolved=2), "outcomes": outcomes(0.9, [True, True, False])}
    unit = FakeUnit({"ledger/list_records": lambda **_: [row]})

    (found,) = await list_records(unit, ["ada"], NOW, NO_SETTING)

    assert found.predictor["id"] == "ada"
    assert (found.in_use.source, found.in_use.num_resolved) == (OWN_RECORD, 3)
    assert found.in_use.brier == pytest.approx((0.01 + 0.01 + 0.81) / 3)


async def test_a_longer_imported_record_stays_in_force() -> None:
    """Three resolved predictions say less than the twelve that another system counted."""
    row = {"predictor": node(record_kappa=0.9, record_n_resolved=12), "outcomes": outcomes(0.9, [True, True, False])}
    unit = FakeUnit({"ledger/list_records": lambda **_: [row]})

    (found,) = await list_records(unit, ["ada"], NOW, NO_SETTING)

    assert found.in_use == KappaInUse(0.9, ELSEWHERE, None, 12)


async def test_only_records_that_changed_are_written() -> None:
    """Predictors are locked before they are read, each batch by itself and each predictor once."""
    names = [f"p{number:04}" for number in range(BATCH_PREDICTORS + 1)]
    current = stored_record(kappa_of(node()))

    def stored_of(name: str) -> dict[str, Any]:
        return {**current, **record_keys(name, current), "local_record": None}

    def records(predictors: list[dict[str, str]]) -> list[dict[str, Any]]:
        return [
            {
                "predictor": node(**({} if asked["id"] == names[-1] else stored_of(asked["id"]))) | {"id": asked["id"]},
                "outcomes": [],
            }
            for asked in predictors
        ]

    unit = FakeUnit(
        {
            "ledger/get_setting": lambda **_: [],
            "ledger/lock_predictors": lambda **_: [],
            "ledger/list_records": records,
            "ledger/set_records": lambda **_: [],
        }
    )

    found = await refresh_records(unit, [*names, *names], NOW)

    batch = ["ledger/lock_predictors", "ledger/list_records"]
    assert unit.names == ["ledger/get_setting", *batch, *batch, "ledger/set_records"]
    assert [len(parameters["ids"]) for name, parameters in unit.calls if name == batch[0]] == [BATCH_PREDICTORS, 1]
    (written,) = unit.calls[-1][1]["predictors"]
    assert written == {"id": names[-1], "properties": {**stored_of(names[-1]), "record_at": NOW}}
    assert found == dict.fromkeys(names, kappa_of(node()))
