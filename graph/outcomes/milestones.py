"""Milestones: what was seen of each, once, and what that says of its prediction."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.sessions import Database, Unit
from graph.errors import ConflictError, DuplicateError, NotFoundError
from graph.inference.evidence import WeighedEvidence, missed_check_in, researched_milestone
from graph.ledger.entries import check_open, check_past_day
from graph.model.kinds import ClaimStatus, MilestoneKind, MilestoneStatus
from graph.model.page_keys import milestone_keys
from graph.model.properties import to_properties
from graph.model.rows import Milestone
from graph.outcomes.milestone_chains import OBSERVED, list_chain, list_missed, miss_key, set_milestones
from graph.outcomes.resolution import Outcome, settle
from graph.outcomes.service_entries import (
    Occasion,
    StoredClaim,
    append_entries,
    get_claim,
    make_milestone_entry,
    validated,
)

MUTATION = "recordMilestone"
CHECK_IN_MISSED, MILESTONE_HIT, MILESTONE_MISSED = "check_in_missed", "milestone_hit", "milestone_missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """
    What was seen of a milestone.

    Attributes:
        is_hit: Whether it came; else it is known not to come.
        observed_on: The day on which that was so, in UTC; None for now.
        by: Who says so.
        note: What there is to say about it.
        idempotency_key: Of the request.
    """

    is_hit: bool
    observed_on: date | None = None
    by: str | None = None
    note: str | None = None
    idempotency_key: str | None = None

    def moment(self, now: datetime) -> datetime:
        """The first moment of the day, or now."""
        return now if self.observed_on is None else datetime.combine(self.observed_on, time(), UTC)


async def record_milestone(
    database: Database, milestone_id: str, seen: Observation, *, is_dry_run: bool = False
) -> Answered:
    """
    Record what was seen of a milestone, and what that says of its prediction.

    A researched milestone is evidence, softened by its confidence; a missed check-in too, once, whether it is recorded
    here or found by a sweep; the event resolves the prediction.

    Returns:
        A payload with `milestone_id`, `claim_id` and `recorded`: of the ledger's row its `evidence_id`, `step` and the
        belief `before` and `after`, None where the ledger got none; and `record` of the predictor where the prediction
        was resolved.

    Raises:
        NotFoundError: No milestone has that id.
        DuplicateError: That was recorded already.
        ConflictError: Another outcome was.
        ClosedClaimError: The prediction's outcome is known.
        FutureObservationError: The day lies ahead.
    """
    if seen.observed_on is not None:
        check_past_day(seen.observed_on, datetime.now(UTC), path="observed_on")
    owner = await _find_owner(database, milestone_id)
    arguments = {
        "milestone_id": milestone_id,
        "is_hit": seen.is_hit,
        "observed_on": None if seen.observed_on is None else seen.observed_on.isoformat(),
        "by": seen.by,
        "note": seen.note,
    }
    request = WriteRequest(MUTATION, arguments, seen.idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        if owner is None:
            message = f"expected the id of a milestone, got {milestone_id!r}, which none has"
            raise NotFoundError(message, path="milestone")
        return await _record(unit, owner, milestone_id, seen)

    return await write_once(database, request, work, claim_ids=[] if owner is None else [owner])


async def _find_owner(database: Database, milestone_id: str) -> str | None:
    async def work(unit: Unit) -> str | None:
        (row,) = await unit.run("outcomes/list_milestone_owners", ids=[milestone_id])
        return row["prediction_ids"][0] if row["prediction_ids"] else None

    return await database.read(work, unknown_names_are_fine=True)


async def _record(unit: Unit, owner: str, milestone_id: str, seen: Observation) -> Payload:
    chain = {milestone.id: milestone for milestone in await list_chain(unit, owner)}
    if milestone_id not in chain:
        message = f"milestone {milestone_id!r} has just been moved to another prediction; send the request again"
        raise ConflictError(message, path="milestone")
    milestone = chain[milestone_id]
    _check_unobserved(milestone, seen)
    claim = await get_claim(unit, owner, path="milestone")
    check_open(claim.properties, path="milestone")
    named = {"milestone_id": milestone_id, "claim_id": owner}
    if milestone.kind is MilestoneKind.EVENT:
        recorded = await _resolve(unit, claim, seen)
        await _set(unit, _observed(milestone, seen))
        return {**named, "recorded": recorded, "record": recorded.pop("record")}
    return {**named, "recorded": await _weigh(unit, claim, milestone, seen), "record": None}


def _check_unobserved(milestone: Milestone, seen: Observation) -> None:
    if milestone.status not in OBSERVED:
        return
    outcome = MilestoneStatus.HIT if seen.is_hit else MilestoneStatus.MISSED
    day = "" if milestone.observed_date is None else f" of {milestone.observed_date.isoformat()}"
    if milestone.status is outcome:
        message = f"milestone {milestone.id!r} is recorded as {outcome.value}{day} already; it counts once"
        raise DuplicateError(message, existing_key=milestone.id, path="milestone")
    remedy = (
        f"`unresolve` prediction {milestone.prediction_id!r} first"
        if milestone.kind is MilestoneKind.EVENT
        else "submit evidence that says so, since the ledger only grows"
    )
    message = (
        f"expected a milestone that nothing was recorded of, got {milestone.id!r}, which is {milestone.status.value}"
        f"{day}; if that was wrong, {remedy}"
    )
    raise ConflictError(message, path="milestone")


async def _resolve(unit: Unit, claim: StoredClaim, seen: Observation) -> Payload:
    outcome = Outcome(
        status=ClaimStatus.RESOLVED_TRUE if seen.is_hit else ClaimStatus.RESOLVED_FALSE,
        at=None if seen.observed_on is None else seen.moment(datetime.now(UTC)),
        by=seen.by,
        note=seen.note,
        idempotency_key=seen.idempotency_key,
    )
    return await settle(unit, claim, outcome, path="milestone")


async def _weigh(unit: Unit, claim: StoredClaim, milestone: Milestone, seen: Observation) -> Payload | None:
    """The milestone as it is from now on, and the ledger row that it brings; None where it brings none."""
    now = datetime.now(UTC)
    has_missed = milestone.miss_emitted_at is not None or milestone.id in await list_missed(unit, [milestone])
    weight = _weight(milestone, seen, has_missed=has_missed)
    if weight is None or claim.state.inside_log_odds is None:
        await _set(unit, _observed(milestone, seen))
        return None
    is_check_in = milestone.kind is MilestoneKind.CHECK_IN
    occasion = Occasion(
        kind=_kind(milestone, seen),
        observed_at=seen.moment(now),
        by=seen.by,
        note=seen.note,
        idempotency_key=miss_key(milestone.id) if is_check_in else None,
    )
    entry = make_milestone_entry(claim, claim.state, occasion, now, (milestone, weight))
    emitted = {"miss_emitted_at": entry.row.recorded_at, "miss_emitted_by": seen.by or MUTATION}
    await append_entries(unit, claim, [entry], entry.after, now)
    await _set(unit, _observed(milestone, seen, **(emitted if is_check_in else {})))
    return entry.payload(now)


def _weight(milestone: Milestone, seen: Observation, *, has_missed: bool) -> WeighedEvidence | None:
    if milestone.kind is MilestoneKind.CHECK_IN:
        return None if seen.is_hit or has_missed else missed_check_in()
    return researched_milestone(is_hit=seen.is_hit, confidence=milestone.confidence)


def _kind(milestone: Milestone, seen: Observation) -> str:
    if milestone.kind is MilestoneKind.CHECK_IN:
        return CHECK_IN_MISSED
    return MILESTONE_HIT if seen.is_hit else MILESTONE_MISSED


def _observed(milestone: Milestone, seen: Observation, **more: Any) -> Milestone:
    """The milestone with what was seen of it; what its source had to say stays in front of the note."""
    observed_on = seen.observed_on or datetime.now(UTC).date()
    values = {
        "status": MilestoneStatus.HIT if seen.is_hit else MilestoneStatus.MISSED,
        "observed_date": observed_on if seen.is_hit else None,
        "notes": "\n".join(note for note in (milestone.notes, seen.note) if note) or None,
        **more,
    }
    return validated(Milestone, {**dict(milestone), **values})


async def _set(unit: Unit, milestone: Milestone) -> None:
    await set_milestones(unit, {milestone.id: to_properties(milestone) | milestone_keys(milestone)})
