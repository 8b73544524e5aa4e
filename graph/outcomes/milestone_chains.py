"""A prediction's chain of milestones, read and written in a transaction that holds the prediction's lock."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from graph.database.sessions import Unit
from graph.inference.evidence import POLICY
from graph.inference.milestones import is_overdue
from graph.ledger.versions import record_versions
from graph.model.kinds import MilestoneKind, MilestoneStatus
from graph.model.properties import from_properties
from graph.model.rows import Milestone
from graph.model.standings import Standing, standing_of

MISS_KEY = "miss:"


async def list_chain(unit: Unit, prediction_id: str) -> list[Milestone]:
    """List a prediction's milestones by due day, those without one last."""
    (chain,) = await unit.run("outcomes/list_milestones", ids=[prediction_id])
    milestones = [from_properties(Milestone, properties) for properties in chain["rows"]]
    return sorted(milestones, key=lambda milestone: (milestone.due_date() or date.max, milestone.id))


async def set_milestones(unit: Unit, properties: Mapping[str, Mapping[str, Any]]) -> None:
    """Set properties of milestones, given by id, and record what beliefs depend on of them."""
    if properties:
        await unit.run(
            "outcomes/set_milestones", rows=[{"id": key, "properties": dict(row)} for key, row in properties.items()]
        )
        await record_versions(unit, "milestones", properties, datetime.now(UTC))


def status_at(properties: Mapping[str, Any], moment: datetime, closed_at: datetime | None) -> MilestoneStatus:
    """
    Return a milestone's status at a moment: one that waits is overdue once its day and the days of grace are over.

    Args:
        properties: Its `status`, `expected_date`, `range_to` and `miss_emitted_at`, as stored.
        moment: The moment.
        closed_at: The moment of its prediction's outcome, after which nothing becomes overdue; None for an open one.
    """
    stored, due = MilestoneStatus(properties["status"]), properties["range_to"] or properties["expected_date"]
    closed_by_then = None if closed_at is None or closed_at > moment else closed_at
    standing = standing_of(stored, due, properties["miss_emitted_at"], closed_by_then)
    if standing is not Standing.WAITING:
        return MilestoneStatus(standing.value)
    is_late = due is not None and is_overdue(due, moment, grace_days=POLICY.grace_days)
    return MilestoneStatus.OVERDUE if is_late else MilestoneStatus.PENDING


def miss_key(milestone_id: str) -> str:
    """Return the idempotency key of the ledger row for a missed check-in: one, whoever finds the miss."""
    return MISS_KEY + milestone_id


async def list_missed(unit: Unit, milestones: Sequence[Milestone]) -> frozenset[str]:
    """Return the ids of the check-ins whose misses are in the ledger."""
    keys = [miss_key(milestone.id) for milestone in milestones if milestone.kind is MilestoneKind.CHECK_IN]
    if not keys:
        return frozenset()
    (row,) = await unit.run("ledger/list_by_idempotency_keys", keys=keys)
    return frozenset(key.removeprefix(MISS_KEY) for key, _ in row["holders"])
