"""
What becomes of claims: resolved true or false, annulled, or opened again.

Each is a row of the ledger that weighs nothing and says who found so, when and why. The belief stands still from the
moment of the outcome on, and the predictor's record is made anew, for evidence that comes later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.sessions import Database, Unit
from graph.errors import ConflictError, DuplicateError
from graph.ledger.entries import check_open, check_past
from graph.ledger.predictor_records import kappa_of, list_records, refresh_records, stored_record
from graph.model.kinds import ClaimStatus, MilestoneKind, MilestoneStatus
from graph.model.page_keys import milestone_keys
from graph.model.rows import Milestone
from graph.outcomes.milestone_chains import list_chain, set_milestones
from graph.outcomes.service_entries import Occasion, StoredClaim, append_entries, get_claim, make_outcome_entry

RESOLUTION, ANNULMENT, REOPENING = "resolution", "annulment", "reopening"
KINDS: Mapping[ClaimStatus, str] = {
    ClaimStatus.RESOLVED_TRUE: RESOLUTION,
    ClaimStatus.RESOLVED_FALSE: RESOLUTION,
    ClaimStatus.ANNULLED: ANNULMENT,
    ClaimStatus.OPEN: REOPENING,
}
EVENT_STATUSES: Mapping[ClaimStatus, MilestoneStatus] = {
    ClaimStatus.RESOLVED_TRUE: MilestoneStatus.HIT,
    ClaimStatus.RESOLVED_FALSE: MilestoneStatus.MISSED,
    ClaimStatus.OPEN: MilestoneStatus.PENDING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    What became of a claim.

    Attributes:
        status: The claim's from now on; OPEN opens it again.
        at: When it became so; None for now.
        by: Who says so.
        note: Why.
        idempotency_key: Of the request.
    """

    status: ClaimStatus
    at: datetime | None = None
    by: str | None = None
    note: str | None = None
    idempotency_key: str | None = None


async def resolve(database: Database, claim_id: str, outcome: Outcome, *, is_dry_run: bool = False) -> Answered:
    """
    Say which outcome a claim has.

    Args:
        database: Where to.
        claim_id: The claim; its lock is taken.
        outcome: RESOLVED_TRUE or RESOLVED_FALSE, and since when.
        is_dry_run: Say what it would do, and keep nothing.

    Returns:
        A payload as `settle` makes it.

    Raises:
        ClosedClaimError: Its outcome is known already.
        FutureObservationError: The moment lies ahead.
        NotFoundError: No claim has that id.
    """
    if outcome.at is not None:
        check_past(outcome.at, datetime.now(UTC), path="resolved_at")
    return await _write(database, "resolve", claim_id, outcome, is_dry_run=is_dry_run)


async def annul(database: Database, claim_id: str, outcome: Outcome, *, is_dry_run: bool = False) -> Answered:
    """Say that a claim has no outcome and never counts; otherwise as `resolve`."""
    return await _write(database, "annul", claim_id, outcome, is_dry_run=is_dry_run)


async def unresolve(database: Database, claim_id: str, outcome: Outcome, *, is_dry_run: bool = False) -> Answered:
    """
    Open a claim that was resolved or annulled again; otherwise as `resolve`.

    Raises:
        ConflictError: It is open.
    """
    return await _write(database, "unresolve", claim_id, outcome, is_dry_run=is_dry_run)


async def _write(database: Database, mutation: str, claim_id: str, outcome: Outcome, *, is_dry_run: bool) -> Answered:
    arguments = {
        "claim_id": claim_id,
        "status": outcome.status.value,
        "at": None if outcome.at is None else outcome.at.astimezone(UTC).isoformat(),
        "by": outcome.by,
        "note": outcome.note,
    }
    request = WriteRequest(mutation, arguments, outcome.idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        return await settle(unit, await get_claim(unit, claim_id), outcome)

    return await write_once(database, request, work, claim_ids=[claim_id])


async def settle(unit: Unit, claim: StoredClaim, outcome: Outcome, *, path: str = "claim") -> Payload:
    """
    Note an outcome within a transaction that holds the claim's lock.

    Returns:
        `evidence_id` (of the ledger's row), `claim_id`, `step`, the belief `before` and `after`, and `record`: the
        predictor's before and after, None without one.

    Raises:
        ClosedClaimError: The outcome is known already.
        ConflictError: It is to be opened and is open.
        DuplicateError: A ledger row holds the idempotency key.
    """
    _check_status(claim, outcome, path=path)
    await _check_key(unit, outcome.idempotency_key)
    now = datetime.now(UTC)
    at = outcome.at or now
    before = await _lock_record(unit, claim)
    occasion = Occasion(
        kind=KINDS[outcome.status],
        observed_at=at,
        by=outcome.by,
        note=outcome.note,
        idempotency_key=outcome.idempotency_key,
    )
    entry = make_outcome_entry(claim.state, occasion, now)
    state = replace(
        entry.after,
        status=outcome.status,
        resolved_at=None if outcome.status is ClaimStatus.OPEN else at,
        anchors=replace(entry.after.anchors, status=outcome.status.value),
    )
    await append_entries(unit, claim, [entry], state, now)
    if claim.subject == "Prediction":
        await _mark_chain(unit, claim.state.claim_id, outcome.status, at)
    record = await _refresh_record(unit, claim, before)
    return {**entry.payload(now, after=state), "record": record}


def _check_status(claim: StoredClaim, outcome: Outcome, *, path: str) -> None:
    if outcome.status is not ClaimStatus.OPEN:
        check_open(claim.properties, path=path)
    elif claim.state.status is ClaimStatus.OPEN:
        message = f"expected a claim that is resolved or annulled, got {claim.state.claim_id!r}, which is open"
        raise ConflictError(message, path=path)


async def _check_key(unit: Unit, idempotency_key: str | None) -> None:
    """A key stands on one row; rows that were imported bring theirs."""
    if idempotency_key is None:
        return
    (found,) = await unit.run("ledger/list_by_idempotency_keys", keys=[idempotency_key])
    for _, holder in found["holders"]:
        message = f"this idempotency key came before, with ledger row {holder!r}; it counts once"
        raise DuplicateError(message, existing_key=holder, path="idempotency_key")


async def _lock_record(unit: Unit, claim: StoredClaim) -> dict[str, Any] | None:
    """The predictor's record as it stands, which nobody changes from now on; None without a predictor."""
    if claim.predictor_id is None:
        return None
    await unit.run("ledger/lock_predictors", ids=[claim.predictor_id])
    ((properties, _),) = await list_records(unit, [claim.predictor_id])
    return stored_record(kappa_of(properties))


async def _refresh_record(unit: Unit, claim: StoredClaim, before: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if claim.predictor_id is None:
        return None
    await refresh_records(unit, [claim.predictor_id])
    ((_, in_use),) = await list_records(unit, [claim.predictor_id])
    return {"predictor_id": claim.predictor_id, "before": before, "after": stored_record(in_use)}


async def _mark_chain(unit: Unit, prediction_id: str, status: ClaimStatus, at: datetime) -> None:
    """
    The predicted event shares the outcome.

    What a sweep has passed over while the prediction was closed waits for the next one again once it is open.
    """
    properties: dict[str, dict[str, Any]] = {}
    for milestone in await list_chain(unit, prediction_id):
        marked = _marked(milestone, status, at)
        if marked is not milestone or status is ClaimStatus.OPEN:
            outcome = {"status": marked.status.value, "observed_date": marked.observed_date}
            properties[marked.id] = outcome | milestone_keys(marked)
    await set_milestones(unit, properties)


def _marked(milestone: Milestone, status: ClaimStatus, at: datetime) -> Milestone:
    if milestone.kind is not MilestoneKind.EVENT or status not in EVENT_STATUSES:
        return milestone
    outcome = EVENT_STATUSES[status]
    if outcome is milestone.status:
        return milestone
    observed = at.astimezone(UTC).date() if outcome is MilestoneStatus.HIT else None
    return milestone.model_copy(update={"status": outcome, "observed_date": observed})
