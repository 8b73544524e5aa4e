"""
Resolution of claims: true, false, annulled, or reopened.

Each is a ledger row without weight that records who decided so, when and why. The belief no longer changes after the
moment of the outcome, and the predictor's record is recomputed, which weights later evidence only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from graph.database.receipts import Answered, Payload, WriteRequest, own_key, write_once
from graph.database.sessions import Database, Unit
from graph.errors import BeforeWindowError, ConflictError, DuplicateError
from graph.ledger.entries import check_open, check_past
from graph.ledger.pasts import list_finals
from graph.ledger.predictor_records import kappa_of, list_records, refresh_records, stored_record
from graph.ledger.standings import set_status_keys
from graph.ledger.versions import record_versions
from graph.model.kinds import ClaimStatus, MilestoneKind, MilestoneStatus
from graph.model.page_keys import OUTCOMES, can_miss, milestone_keys
from graph.model.rows import Milestone
from graph.model.subjects import list_of
from graph.outcomes.milestone_chains import list_chain, set_milestones
from graph.outcomes.service_entries import EntryDetails, StoredClaim, append_entries, get_claim, make_outcome_entry

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
    An outcome to record on a claim.

    Attributes:
        status: The claim's new status; OPEN reopens it.
        at: The moment of the outcome; None for now.
        by: The name of the person or program that reports it.
        note: The reason or source.
        idempotency_key: The request's key; None without one.
        accepts_before_window: Whether it may lie before the claim's window opens.
    """

    status: ClaimStatus
    at: datetime | None = None
    by: str | None = None
    note: str | None = None
    idempotency_key: str | None = None
    accepts_before_window: bool = False


async def resolve(database: Database, claim_id: str, outcome: Outcome, *, is_dry_run: bool = False) -> Answered:
    """
    Resolve a claim as true or false.

    Args:
        database: The database to write to.
        claim_id: The id of the claim, which is locked.
        outcome: The outcome, RESOLVED_TRUE or RESOLVED_FALSE, and its moment.
        is_dry_run: Whether to compute the answer and roll back.

    Returns:
        The payload of `record_outcome`.

    Raises:
        BeforeWindowError: The moment lies before the claim's window opens, and that is not accepted.
        ClosedClaimError: The claim is resolved or annulled.
        DuplicateError: A ledger row has the idempotency key.
        FutureObservationError: The moment of the outcome lies in the future.
        KeyReusedError: The idempotency key belongs to another request.
        NotFoundError: No claim has the id.
    """
    if outcome.at is not None:
        check_past(outcome.at, datetime.now(UTC), path="resolved_at")
    return await _write(database, "resolveClaim", claim_id, outcome, is_dry_run=is_dry_run)


async def annul(database: Database, claim_id: str, outcome: Outcome, *, is_dry_run: bool = False) -> Answered:
    """Annul a claim, so that it has no outcome and counts in no record; otherwise as `resolve`."""
    return await _write(database, "annulClaim", claim_id, outcome, is_dry_run=is_dry_run)


async def unresolve(database: Database, claim_id: str, outcome: Outcome, *, is_dry_run: bool = False) -> Answered:
    """
    Reopen a claim that was resolved or annulled; otherwise as `resolve`.

    Raises:
        ConflictError: The claim is open.
    """
    return await _write(database, "reopenClaim", claim_id, outcome, is_dry_run=is_dry_run)


async def _write(database: Database, mutation: str, claim_id: str, outcome: Outcome, *, is_dry_run: bool) -> Answered:
    arguments = {
        "claim_id": claim_id,
        "status": outcome.status.value,
        "at": None if outcome.at is None else outcome.at.astimezone(UTC).isoformat(),
        "by": outcome.by,
        "note": outcome.note,
        # Left out unless given, so that keys of requests made before the argument existed stay good.
        **({"accepts_before_window": True} if outcome.accepts_before_window else {}),
    }
    request = WriteRequest(mutation, arguments, outcome.idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        return await record_outcome(unit, await get_claim(unit, claim_id), outcome)

    return await write_once(
        database, request, work, claim_ids=[claim_id], list_entries=lambda payload: [payload["evidence_id"]]
    )


async def record_outcome(
    unit: Unit, claim: StoredClaim, outcome: Outcome, *, path: str = "claim", moment_path: str = "resolved_at"
) -> Payload:
    """
    Record an outcome in a transaction that holds the claim's lock.

    Args:
        unit: The transaction.
        claim: The claim.
        outcome: The outcome.
        path: The path of the claim in the request, for error messages.
        moment_path: The path of the outcome's moment.

    Returns:
        `evidence_id` of the ledger row, `claim_id`, `step`, the belief `before` and `after`, and `record`: the
        predictor's record before and after, None for a claim without a predictor.

    Raises:
        BeforeWindowError: The outcome lies before the claim's window opens, and that is not accepted.
        ClosedClaimError: The claim is resolved or annulled, and the outcome does not reopen it.
        ConflictError: The outcome reopens the claim, which is open.
        DuplicateError: A ledger row has the idempotency key.
    """
    _check_status(claim, outcome, path=path)
    key = own_key(outcome.idempotency_key)
    await _check_key(unit, key)
    now = datetime.now(UTC)
    at = outcome.at or now
    _check_window(claim, outcome, at, path=moment_path)
    before = await _lock_record(unit, claim, now)
    details = EntryDetails(
        kind=KINDS[outcome.status],
        observed_at=at,
        by=outcome.by,
        note=outcome.note,
        idempotency_key=key,
    )
    entry = make_outcome_entry(claim.state, details, now)
    resolved_at = None if outcome.status is ClaimStatus.OPEN else at
    (final,) = await list_finals(unit, [replace(claim.state, resolved_at=resolved_at)])
    state = replace(entry.after, status=outcome.status, resolved_at=resolved_at, final=final)
    await append_entries(unit, claim, [entry], state, now)
    await record_versions(unit, list_of(claim.subject).name, [state.claim_id], now)
    if claim.subject == "Prediction":
        probability = claim.properties.get("stated_probability")
        await _update_chain(unit, claim.state.claim_id, outcome.status, at, probability)
    record = await _refresh_record(unit, claim, before, at)
    return {**entry.payload(now, after=state), "record": record}


def _check_status(claim: StoredClaim, outcome: Outcome, *, path: str) -> None:
    if outcome.status is not ClaimStatus.OPEN:
        check_open(claim.properties, path=path)
    elif claim.state.status is ClaimStatus.OPEN:
        message = f"claim {claim.state.claim_id!r} is open; only a resolved or annulled claim can be reopened"
        raise ConflictError(message, path=path)


def _check_window(claim: StoredClaim, outcome: Outcome, at: datetime, *, path: str) -> None:
    window = claim.state.window
    if outcome.status not in OUTCOMES or outcome.accepts_before_window or window is None or at >= window[0]:
        return
    message = (
        f"{at.isoformat()} is before {window[0].isoformat()}, when the window of claim {claim.state.claim_id!r} opens; "
        "correct the moment, or set accepts_before_window: true if the outcome was known so early"
    )
    raise BeforeWindowError(message, path=path)


async def _check_key(unit: Unit, idempotency_key: str | None) -> None:
    """Raise DuplicateError if a ledger row has the key: it may be an imported row, of which there is no receipt."""
    if idempotency_key is None:
        return
    (row,) = await unit.run("ledger/list_by_idempotency_keys", keys=[idempotency_key])
    for _, holder in row["holders"]:
        message = (
            f"ledger row {holder!r} already has the idempotency key {idempotency_key!r} and counts once; use "
            "another key for another request"
        )
        raise DuplicateError(message, existing_key=holder, path="idempotency_key")


async def _lock_record(unit: Unit, claim: StoredClaim, now: datetime) -> dict[str, Any] | None:
    """Lock the claim's predictor and return its stored record; None for a claim without a predictor."""
    if claim.predictor_id is None:
        return None
    await unit.run("ledger/lock_predictors", ids=[claim.predictor_id])
    (found,) = await list_records(unit, [claim.predictor_id], now)
    return stored_record(kappa_of(found.predictor))


async def _refresh_record(
    unit: Unit, claim: StoredClaim, before: Mapping[str, Any] | None, at: datetime
) -> dict[str, Any] | None:
    if claim.predictor_id is None:
        return None
    now = max(at, datetime.now(UTC))  # others may have resolved theirs while this waited for the lock
    in_use = (await refresh_records(unit, [claim.predictor_id], now))[claim.predictor_id]
    return {"predictor_id": claim.predictor_id, "before": before, "after": stored_record(in_use)}


async def _update_chain(
    unit: Unit, prediction_id: str, status: ClaimStatus, at: datetime, probability: float | None
) -> None:
    """
    Give the chain's event milestone the prediction's outcome, and all others what follows from it for their statuses.

    Reopening also resets the page keys of all milestones, so that the next sweep returns to those that a sweep has
    passed over while the prediction was closed.
    """
    properties: dict[str, dict[str, Any]] = {}
    for milestone in await list_chain(unit, prediction_id):
        updated = _with_outcome(milestone, status, at)
        if updated is not milestone or status is ClaimStatus.OPEN or milestone.status is MilestoneStatus.OVERDUE:
            outcome = {"status": updated.status.value, "observed_date": updated.observed_date}
            properties[updated.id] = outcome | milestone_keys(updated, can_miss=can_miss(status, probability))
    await set_milestones(unit, properties)
    await set_status_keys(unit, [prediction_id])


def _with_outcome(milestone: Milestone, status: ClaimStatus, at: datetime) -> Milestone:
    """Return an event with the prediction's outcome; any other milestone, or an equal outcome, as it is."""
    if milestone.kind is not MilestoneKind.EVENT or status not in EVENT_STATUSES:
        return milestone
    outcome = EVENT_STATUSES[status]
    if outcome is milestone.status:
        return milestone
    observed = at.astimezone(UTC).date() if outcome is MilestoneStatus.HIT else None
    return milestone.model_copy(update={"status": outcome, "observed_date": observed})
