"""Counts a statement's store accesses as the server does, on a graph with a hub."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graph.database.sessions import Database
from graph.database.statements import statement
from graph.model.bundle import BUNDLE_FORMAT, Bundle

NUM_CHILDREN = 1_500


def hub_bundle(**lists: Sequence[Mapping[str, Any]]) -> Bundle:
    """A killer of many, and a predictor of as many; what else is given comes besides."""
    ids = [f"P_{number:05d}" for number in range(NUM_CHILDREN)]
    rows: dict[str, list[Mapping[str, Any]]] = {
        "predictors": [{"id": "ada", "name": "Ada"}],
        "killers": [{"id": "TK_HUB", "title": "The lights go out", "stated_probability": 0.1}],
        "predictions": [
            {
                "id": key,
                "title": key,
                "predictor_id": "ada",
                "stated_probability": 0.2 + 0.6 * number / NUM_CHILDREN,
            }
            for number, key in enumerate(ids)
        ],
        "influences": [
            {"kind": "KILLS", "parent_id": "TK_HUB", "child_id": key, "p_if_true": 0.05, "p_if_false": 0.45}
            for key in ids
        ],
    }
    for name, further in lists.items():
        rows[name] = [*rows.get(name, ()), *further]
    return Bundle.model_validate({"format": BUNDLE_FORMAT, **rows})


async def profile(database: Database, name: str, **parameters: Any) -> tuple[int, int]:
    """The rows of a statement, and its store accesses; what it writes is taken back."""
    async with database.open_session() as session, await session.begin_transaction() as transaction:
        result = await transaction.run("PROFILE " + statement(name), parameters)
        num_rows = len([record async for record in result])
        summary = await result.consume()
        await transaction.rollback()
    assert summary.profile is not None
    return num_rows, sum(_hits(summary.profile))


def _hits(plan: Any) -> Iterator[int]:
    yield plan.get("dbHits", 0)
    for child in plan.get("children", []):
        yield from _hits(child)
