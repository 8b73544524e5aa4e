"""Composed statements are planned before they are taken, and only those that are used repeatedly."""

import pytest

from graph.database.sessions import Database
from graph.errors import UnavailableError
from graph.model.relations import OUTGOING
from graph.reading.anchors import OneNode
from graph.reading.planned import MOST_TEXTS, USES_BEFORE_PLANNING, PlannedStatements
from graph.reading.tree import NodePlan
from tests.graph.reading.test_composing import compose, following

ANCHOR = OneNode("Killer", "a")


async def test_a_text_is_planned_once_it_is_used_repeatedly(migrated_database: Database) -> None:
    """Until then, and while it is being planned, it is not ready."""
    planned, composed = PlannedStatements(migrated_database), compose(following(OUTGOING), "Killer")
    assert [planned.is_ready(composed, ANCHOR) for _ in range(USES_BEFORE_PLANNING)] == [False] * USES_BEFORE_PLANNING
    await planned.settled()
    assert not planned.is_ready(composed, ANCHOR)
    await planned.settled()
    assert planned.is_ready(composed, ANCHOR)
    planned.close()


async def test_a_text_that_was_prepared_is_ready(migrated_database: Database) -> None:
    """Until the database has been started again, which forgets all plans."""
    planned, composed = PlannedStatements(migrated_database), compose(NodePlan(), "Killer")
    await planned.prepare(composed, ANCHOR)
    assert planned.is_ready(composed, ANCHOR)
    planned.forget()
    assert not planned.is_ready(composed, ANCHOR)
    planned.close()


async def test_a_database_that_is_away_is_asked_again_later(
    migrated_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A use after the failure has the text planned."""
    planned = PlannedStatements(migrated_database)
    composed = compose(following(OUTGOING, first=3), "Killer")
    failures = list[int]()

    async def fail(*_: object) -> None:
        failures.append(1)
        raise UnavailableError("away")

    with monkeypatch.context() as patch:
        patch.setattr(planned, "_plan", fail)
        for _ in range(USES_BEFORE_PLANNING + 1):
            assert not planned.is_ready(composed, ANCHOR)
        await planned.settled()
    assert failures == [1]
    assert not planned.is_ready(composed, ANCHOR)
    await planned.settled()
    assert planned.is_ready(composed, ANCHOR)
    planned.close()


def test_the_least_recently_used_texts_are_forgotten(migrated_database: Database) -> None:
    """The database keeps a thousand plans."""
    planned = PlannedStatements(migrated_database)
    for number in range(MOST_TEXTS + 5):
        composed = compose(NodePlan(), "Killer")
        planned.is_ready(type(composed)(f"RETURN {number}", {}, composed.layout, 1), ANCHOR)
    assert len(planned._texts) == MOST_TEXTS
