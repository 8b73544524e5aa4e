"""A small graph in which every relation has rows, several pages long where that matters."""

from datetime import UTC, datetime
from typing import Any

from graph.model.bundle import BUNDLE_FORMAT, Bundle
from tests.helpers.bundles import family

NUM_CHILDREN = 12
SAVED_AT = datetime(2026, 1, 5, tzinfo=UTC)


def small_graph() -> Bundle:
    """Twelve predictions under one killer, a chain of three among them, and what hangs on the first."""
    return Bundle.model_validate(
        {
            "format": BUNDLE_FORMAT,
            "domains": [{"id": "chips"}, {"id": "space", "name": "Space"}],
            "episodes": [{"id": "EP_1", "title": "The first episode", "number": 1}],
            "predictors": [{"id": "ada", "name": "Ada"}, {"id": "bob", "name": "Bob"}],
            "reference_classes": [{"id": "chips_on_time", "description": "Chips that ship on time", "base_rate": 0.2}],
            "tickers": [{"symbol": "NVDA"}, {"symbol": "QCOM"}, {"symbol": "TSM"}],
            "documents": [
                {"id": f"doc_{n}", "title": f"Paper {n}", "published_at": f"2026-01-0{n}T00:00:00Z"} for n in (1, 2, 3)
            ],
            "predictions": [_prediction(n) for n in range(NUM_CHILDREN)],
            "scenarios": [{"id": "S_1", "title": "A slow world", "stated_probability": 0.6}],
            "killers": [
                {"id": "TK_HUB", "title": "The lights go out", "stated_probability": 0.1},
                {"id": "TK_UNKNOWN", "title": "Nobody knows"},
            ],
            "milestones": [
                {
                    "id": f"P_00:m{n}",
                    "prediction_id": "P_00",
                    "kind": "EVENT" if n == 2 else "RESEARCHED",
                    "label": f"Milestone {n}",
                    "expected_date": f"2026-0{n + 4}-01",
                }
                for n in range(4)
            ],
            "evidence": [
                {
                    "id": f"e{n}",
                    "claim_id": "P_00",
                    "policy": "imported",
                    "observed_at": f"2026-02-0{n}T00:00:00Z",
                    "recorded_at": f"2026-02-0{n}T00:00:00Z",
                    "total_llr": 0.1 * n,
                    "predictor_id": "ada",
                    "document_id": "doc_1",
                    "milestone_id": "P_00:m0",
                    "contributions": [{"llr": 0.1 * n, "expected_date": "2026-01-01"}],
                }
                for n in (1, 2, 3)
            ],
            "validations": [
                {"id": f"v{n}", "prediction_id": "P_00", "observed_at": f"2026-03-0{n}", "status": "partial"}
                for n in (1, 2)
            ],
            "influences": [
                *(_kills(n) for n in range(NUM_CHILDREN)),
                {"kind": "CORRELATES_WITH", "parent_id": "TK_UNKNOWN", "child_id": "P_00"},
                {
                    "kind": "PREREQUISITE_OF",
                    "parent_id": "S_1",
                    "child_id": "P_00",
                    "p_if_true": 0.9,
                    "p_if_false": 0.1,
                },
                _needs("P_00", "P_01", lag_days=30),
                _needs("P_01", "P_02", lag_days=60),
                _needs("P_00", "P_02"),
            ],
            "exposures": [
                {"sign": "BENEFITS", "prediction_id": "P_00", "symbol": "NVDA", "relevance": 0.9},
                {"sign": "BENEFITS", "prediction_id": "P_00", "symbol": "TSM", "relevance": 0.5},
                {"sign": "HARMS", "prediction_id": "P_00", "symbol": "QCOM", "relevance": 0.7, "impact": -0.2},
                {"sign": "HARMS", "prediction_id": "P_01", "symbol": "NVDA", "relevance": 0.3},
            ],
            "document_links": [{"document_id": f"doc_{n}", "claim_id": "P_00"} for n in (1, 2, 3)],
            "claim_families": [
                family("dates", SAVED_AT, "P_00", "P_01", "P_02", kind="BY_WHEN"),
                family("outcomes", SAVED_AT, "P_00", "P_03", is_exhaustive=True),
            ],
            "forecasts": [_forecast("ada", 1, probability=0.3), _forecast("bob", 2, probability=0.6)],
        }
    )


def _prediction(n: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": f"P_{n:02d}",
        "title": f"Prediction number{n}",
        "text": "something that quantum chips will do" if n % 3 == 0 else "something about rockets",
        "predictor_id": "ada" if n % 2 else "bob",
        "domain_id": "chips" if n % 3 == 0 else "space",
        "reference_class_id": "chips_on_time" if n % 4 == 0 else None,
        "episode_id": "EP_1" if n < 2 else None,
        # The last has neither, as claims without a probability or a window do occur.
        "stated_probability": None if n == NUM_CHILDREN - 1 else 0.05 + 0.07 * n,
        "from_year": None if n == NUM_CHILDREN - 1 else 2026 + n % 5,
        "imported_on": "2026-01-01",
        "status": "OPEN",
    }
    if n == 5:
        row |= {"status": "RESOLVED_TRUE", "resolved_at": "2026-06-01T00:00:00Z"}
    return {name: value for name, value in row.items() if value is not None}


def _forecast(predictor: str, month: int, **values: Any) -> dict[str, Any]:
    moment = f"2026-0{month}-01T00:00:00Z"
    ends = {"predictor_id": predictor, "claim_id": "P_00"}
    return {"id": f"f{month}", **ends, "stated_at": moment, "recorded_at": moment, **values}


def _kills(n: int) -> dict[str, Any]:
    return {
        "kind": "KILLS",
        "parent_id": "TK_HUB",
        "child_id": f"P_{n:02d}",
        "p_if_true": 0.05,
        "p_if_false": 0.45,
    }


def _needs(parent: str, child: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "PREREQUISITE_OF",
        "parent_id": parent,
        "child_id": child,
        "p_if_true": 0.6,
        "p_if_false": 0.2,
    } | more
