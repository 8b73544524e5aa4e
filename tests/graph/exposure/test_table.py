"""A table of contributions: its order, its lifts and its batches."""

from types import SimpleNamespace
from typing import Any

from graph.exposure import table
from graph.exposure.measuring import Contribution
from graph.exposure.table import COLUMNS, ExposureTable


def make(*contributions: Contribution) -> ExposureTable:
    """A table of contributions, of which one prediction has a title."""
    found: Any = SimpleNamespace(
        joint=SimpleNamespace(view=SimpleNamespace(snapshot=SimpleNamespace(state=SimpleNamespace(revision=7))))
    )
    return ExposureTable(found, contributions, {"P_2": "Two"})


def part(claim_id: str, expected: float, probability: float = 0.5) -> Contribution:
    """A contribution."""
    return Contribution(claim_id, probability, 1.0, expected, 0.25, 0.75)


def test_the_largest_contribution_is_first() -> None:
    """Whatever its sign; ties by key."""
    found = make(part("P_3", 0.1), part("P_2", -0.4), part("P_1", 0.1))

    assert [row[0] for row in found.rows()] == ["P_2", "P_1", "P_3"]
    assert dict(zip(COLUMNS, found.rows()[0], strict=True)) == {
        "prediction": "P_2",
        "title": "Two",
        "probability": 0.5,
        "coefficient": 1.0,
        "expected_relevance": -0.4,
        "risk_share": 0.25,
        "worst_probability": 0.75,
        "worst_lift": 1.5,
    }
    assert found.rows()[1][1] is None
    assert (found.revision, found.is_truncated) == (7, False)


def test_a_prediction_that_never_comes_true_has_no_lift() -> None:
    assert make(part("P_1", 0.0, probability=0.0)).rows()[0][-1] is None


async def test_batches_are_the_rows(monkeypatch: Any) -> None:
    """In order, and of bounded size."""
    monkeypatch.setattr(table, "BATCH_ROWS", 2)
    found = make(*(part(f"P_{number}", 1.0 / (1 + number)) for number in range(5)))
    batches = [batch async for batch in found.batches()]

    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert [row for batch in batches for row in batch] == found.rows()
