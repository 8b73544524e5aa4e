"""Records the outcome of a milestone, once, and the evidence or resolution that follows for its prediction."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.sessions import Database, Unit
from graph.errors import ConflictError, DuplicateError, NotFoundError
from graph.inference.evidence import WeighedEvidence, missed_check_in, researched_milestone
from graph.ledger.claim_state import CHECK_IN_MISSED
from graph.ledger.entries import check_open, check_past_day
from graph.model.kinds import ClaimStatus, MilestoneKind, MilestoneStatus
from graph.model.page_keys import milestone_keys
from graph.model.properties import to_properties
from graph.model.rows import Milestone
from graph.model.search_texts import search_keys
from graph.model.standings import OBSERVED
from graph.outcomes.milestone_chains import list_chain, list_missed, miss_key, set_milestones
from graph.outcomes.resolution import Outcome, record_outcome
from graph.outcomes.service_entries import (
    EntryDetails,
    StoredClaim,
    append_entries,
    get_claim,
    make_milestone_entry,
    validated,
)

MUTATION = "recordMilestone"
MILESTONE_HIT, MILESTONE_MISSED = "milestone_hit", "milestone_missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """
    An observed outcome of a milestone.

    Attributes:
        is_hit: Whether the milestone was hit; otherwise it was missed.
        observed_on: The day of the outcome where it was observed; None for now.
        by: The name of the person or program that reports it.
        note: The reason or source.
        accepts_before_window: Whether the event may lie before the prediction's window opens.
        idempotency_key: The request's key; None without one.
    """

    is_hit: bool
    observed_on: date | None = None
    by: str | None = None
    note: str | None = None
    accepts_before_window: bool = False
    idempotency_key: str | None = None

    def moment(self, now: datetime) -> datetime:
        """Return the first moment of the day in UTC, or now, also where that day has begun only further east."""
        return now if self.observed_on is None else min(now, datetime.combine(self.observed_on, time(), UTC))


async def record_milestone(
    database: Database, milestone_id: str, observation: Observation, *, is_dry_run: bool = False
) -> Answered:
    """
    Record the outcome of a milestone, and what follows from it for the prediction.

    A researched milestone is evidence, softened by its confidence. A missed check-in is evidence once, whether it is
    recorded here or found by a sweep. The event resolves the prediction.

    Args:
        database: The database to write to.
        milestone_id: The id of the milestone; its prediction is locked.
        observation: The outcome, and who reports it, when and why.
        is_dry_run: Whether to compute the answer and roll back.

    Returns:
        A payload with `milestone_id`, `claim_id` and `recorded`: of the ledger row its `evidence_id`, `step` and the
        belief `before` and `after`, None where no row was appended; and `record` of the predictor where the prediction
        was resolved.

    Raises:
        BeforeWindowError: The event lies before the prediction's window opens, and that is not accepted.
        NotFoundError: No milestone has the id.
        DuplicateError: The same outcome is recorded already.
        ConflictError: The other outcome is recorded.
        ClosedClaimError: The prediction is resolved or annulled.
        FutureObservationError: The day lies in the future.
    """
    if observation.observed_on is not None:
        check_past_day(observation.observed_on, datetime.now(UTC), path="observed_on")
    owner = await _find_owner(database, milestone_id)
    arguments = {
        "milestone_id": milestone_id,
        "is_hit": observation.is_hit,
        "observed_on": None if observation.observed_on is None else observation.observed_on.isoformat(),
        "by": observation.by,
        "note": observation.note,
        **({"accepts_before_window": True} if observation.accepts_before_window else {}),
    }
    request = WriteRequest(MUTATION, arguments, observation.idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        if owner is None:
            message = f"no milestone has the id {milestone_id!r}; add it first"
            raise NotFoundError(message, path="milestone")
        return await _record(unit, owner, milestone_id, observation)

    owners = [] if owner is None else [owner]
    return await write_once(database, request, work, claim_ids=owners, list_entries=_list_entries)


def _list_entries(payload: Payload) -> list[str]:
    return [] if payload["recorded"] is None else [payload["recorded"]["evidence_id"]]


async def _find_owner(database: Database, milestone_id: str) -> str | None:
    async def work(unit: Unit) -> str | None:
        (row,) = await unit.run("outcomes/list_milestone_owners", ids=[milestone_id])
        return row["prediction_ids"][0] if row["prediction_ids"] else None

    return await database.read(work, unknown_names_are_fine=True)


async def _record(unit: Unit, owner: str, milestone_id: str, observation: Observation) -> Payload:
    chain = {milestone.id: milestone for milestone in await list_chain(unit, owner)}
    if milestone_id not in chain:
        message = f"milestone {milestone_id!r} was moved to another prediction meanwhile; send the request again"
        raise ConflictError(message, path="milestone")
    milestone = chain[milestone_id]
    _check_unobserved(milestone, observation)
    claim = await get_claim(unit, owner, path="milestone")
    check_open(claim.properties, path="milestone")
    ids = {"milestone_id": milestone_id, "claim_id": owner}
    if milestone.kind is MilestoneKind.EVENT:
        recorded = await _resolve(unit, claim, observation)
        await _set(unit, _observed(milestone, observation))
        return {**ids, "recorded": recorded, "record": recorded.pop("record")}
    return {**ids, "recorded": await _weigh(unit, claim, milestone, observation), "record": None}


def _check_unobserved(milestone: Milestone, observation: Observation) -> None:
    if milestone.status not in OBSERVED:
        return
    outcome = MilestoneStatus.HIT if observation.is_hit else MilestoneStatus.MISSED
    day = "" if milestone.observed_date is None else f" of {milestone.observed_date.isoformat()}"
    if milestone.status is outcome:
        message = f"milestone {milestone.id!r} is already recorded as {outcome.value}{day}; it counts once"
        raise DuplicateError(message, existing_key=milestone.id, path="milestone")
    remedy = (
        f"reopen prediction {milestone.prediction_id!r} first"
        if milestone.kind is MilestoneKind.EVENT
        else "submit evidence that says so, since the ledger only grows"
    )
    message = f"milestone {milestone.id!r} is recorded as {milestone.status.value}{day}; if that was wrong, {remedy}"
    raise ConflictError(message, path="milestone")


async def _resolve(unit: Unit, claim: StoredClaim, observation: Observation) -> Payload:
    outcome = Outcome(
        status=ClaimStatus.RESOLVED_TRUE if observation.is_hit else ClaimStatus.RESOLVED_FALSE,
        at=None if observation.observed_on is None else observation.moment(datetime.now(UTC)),
        by=observation.by,
        note=observation.note,
        idempotency_key=observation.idempotency_key,
        accepts_before_window=observation.accepts_before_window,
    )
    return await record_outcome(unit, claim, outcome, path="milestone", moment_path="observed_on")


async def _weigh(unit: Unit, claim: StoredClaim, milestone: Milestone, observation: Observation) -> Payload | None:
    """Store the milestone's outcome, and append the ledger row that follows; None where none follows."""
    now = datetime.now(UTC)
    has_missed = milestone.miss_emitted_at is not None or milestone.id in await list_missed(unit, [milestone])
    weight = _weight(milestone, observation, has_missed=has_missed)
    if weight is None or claim.state.inside_log_odds is None:
        await _set(unit, _observed(milestone, observation))
        return None
    is_check_in = milestone.kind is MilestoneKind.CHECK_IN
    details = EntryDetails(
        kind=_kind(milestone, observation),
        observed_at=observation.moment(now),
        by=observation.by,
        note=observation.note,
        idempotency_key=miss_key(milestone.id) if is_check_in else None,
    )
    entry = make_milestone_entry(claim, claim.state, details, now, (milestone, weight))
    emitted = {"miss_emitted_at": entry.row.recorded_at, "miss_emitted_by": observation.by or MUTATION}
    await append_entries(unit, claim, [entry], entry.after, now)
    await _set(unit, _observed(milestone, observation, **(emitted if is_check_in else {})))
    return entry.payload(now)


def _weight(milestone: Milestone, observation: Observation, *, has_missed: bool) -> WeighedEvidence | None:
    if milestone.kind is MilestoneKind.CHECK_IN:
        return None if observation.is_hit or has_missed else missed_check_in()
    return researched_milestone(is_hit=observation.is_hit, confidence=milestone.confidence)


def _kind(milestone: Milestone, observation: Observation) -> str:
    if milestone.kind is MilestoneKind.CHECK_IN:
        return CHECK_IN_MISSED
    return MILESTONE_HIT if observation.is_hit else MILESTONE_MISSED


def _observed(milestone: Milestone, observation: Observation, **more: Any) -> Milestone:
    """Return the milestone with its outcome; the observation's note is appended to the milestone's own notes."""
    observed_on = observation.observed_on or datetime.now(UTC).date()
    values = {
        "status": MilestoneStatus.HIT if observation.is_hit else MilestoneStatus.MISSED,
        "observed_date": observed_on if observation.is_hit else None,
        "notes": "\n".join(note for note in (milestone.notes, observation.note) if note) or None,
        **more,
    }
    return validated(Milestone, {**dict(milestone), **values})


async def _set(unit: Unit, milestone: Milestone) -> None:
    properties = to_properties(milestone) | milestone_keys(milestone) | search_keys(milestone)
    await set_milestones(unit, {milestone.id: properties})
