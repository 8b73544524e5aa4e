"""
The sweep: marks overdue milestones, and records missed check-ins as evidence.

It reads the milestones that are due in order of their due key, with one transaction for each prediction, under the
prediction's lock. Each transaction removes the due keys of the milestones that it has handled, so a sweep that runs
twice, at the same time or after one was killed anywhere, finds only the rest.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from graph.database.paging import pages, slices
from graph.database.receipts import Answered, Payload, WriteRequest, find_answer, write_once
from graph.database.sessions import Database, Unit
from graph.errors import RefusedError, counted
from graph.inference.evidence import POLICY, missed_check_in
from graph.inference.milestones import is_overdue
from graph.ledger.claim_state import CHECK_IN_MISSED
from graph.ledger.entries import LedgerEntry, check_past
from graph.model.kinds import ClaimStatus, MilestoneKind, MilestoneStatus
from graph.model.page_keys import MARK, milestone_keys
from graph.model.rows import Milestone
from graph.model.standings import OBSERVED
from graph.outcomes.milestone_chains import list_chain, list_missed, miss_key, set_milestones
from graph.outcomes.service_entries import (
    EntryDetails,
    StoredClaim,
    append_entries,
    get_claim,
    make_milestone_entry,
    validated,
)

MUTATION = "sweepMilestones"
SWEEP = "sweep"
PAGE_MILESTONES = 500
# A transaction mostly waits for the database; more of them would only queue for the same locks.
TRANSACTIONS_AT_ONCE = 4
# An answer is stored in a receipt and sent whole; the first sweep of a large graph finds more than anyone reads.
MAX_REPORTED = 1_000


@dataclass(slots=True)
class SweepReport:
    """
    The results of a sweep.

    Attributes:
        moment: The moment before which milestones were due.
        num_predictions: The number of predictions with an overdue milestone.
        num_overdue: The number of milestones marked as overdue.
        num_missed: The number of missed check-ins recorded in the ledger.
        misses: The first `MAX_REPORTED` of them: `milestone_id`, `evidence_id`, `claim_id`, `step`, `before`, `after`.
        failures: The ids of predictions whose milestones were refused, each with the reason.
    """

    moment: datetime
    num_predictions: int = 0
    num_overdue: int = 0
    num_missed: int = 0
    misses: list[Payload] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, payload: Payload) -> None:
        """Add the results of one prediction."""
        self.num_predictions += bool(payload["num_overdue"] or payload["misses"])
        self.num_overdue += payload["num_overdue"]
        self.num_missed += len(payload["misses"])
        self.misses += payload["misses"][: MAX_REPORTED - len(self.misses)]

    def summary(self, *, is_dry_run: bool = False) -> str:
        """Return the report as one line of text."""
        become, go = ("would become", "would go") if is_dry_run else ("became", "went")
        overdue, missed = counted(self.num_overdue, "milestone"), counted(self.num_missed, "missed check-in")
        where = counted(self.num_predictions, "prediction")
        return f"{overdue} {become} overdue and {missed} {go} into the ledger, on {where}"

    def payload(self) -> Payload:
        """Return the report as an answer holds it."""
        return {
            "moment": self.moment.isoformat(),
            "num_predictions": self.num_predictions,
            "num_overdue": self.num_overdue,
            "num_missed": self.num_missed,
            "misses": self.misses,
            "failures": self.failures,
        }


async def sweep(
    database: Database, moment: datetime | None = None, *, is_dry_run: bool = False, by: str = SWEEP
) -> SweepReport:
    """
    Mark overdue milestones, and record the miss of each overdue check-in in the ledger, once and for all.

    Args:
        database: The database to sweep.
        moment: Milestones due before it, the grace period included, are overdue; now when absent, never later.
        is_dry_run: Whether to compute the report and roll back.
        by: The name under which misses are recorded.

    Raises:
        FutureObservationError: The moment lies in the future.
    """
    now = datetime.now(UTC)
    if moment is not None:
        check_past(moment, now, path="as_of")
    report = SweepReport(moment or now)
    async for prediction_ids in _pages(database, report.moment):
        for part in slices(prediction_ids, TRANSACTIONS_AT_ONCE):
            results = await asyncio.gather(
                *(_sweep_one(database, name, report.moment, by, is_dry_run=is_dry_run) for name in part),
                return_exceptions=True,
            )
            _add_all(report, part, results)
    return report


async def sweep_once(
    database: Database,
    moment: datetime | None = None,
    *,
    idempotency_key: str | None = None,
    is_dry_run: bool = False,
    by: str = SWEEP,
) -> Answered:
    """
    Sweep, and answer a retry under the same key with the same report.

    Raises:
        FutureObservationError: The moment lies in the future.
        KeyReusedError: The key belongs to another request.
    """
    arguments = {"moment": None if moment is None else moment.astimezone(UTC).isoformat(), "by": by}
    request = WriteRequest(MUTATION, arguments, idempotency_key, is_dry_run)
    before = await find_answer(database, request)
    if before is not None:
        return before
    report = (await sweep(database, moment, is_dry_run=is_dry_run, by=by)).payload()

    async def work(_: Unit) -> Payload:
        return report

    return await write_once(database, request, work, raises_revision=False)


def _add_all(report: SweepReport, prediction_ids: Sequence[str], results: Sequence[Payload | BaseException]) -> None:
    """Add the results of some predictions: a refusal as a failure; any other error is raised."""
    for prediction_id, result in zip(prediction_ids, results, strict=True):
        if isinstance(result, RefusedError):
            report.failures.append(f"{prediction_id}: {result}")
        elif isinstance(result, BaseException):
            raise result
        else:
            report.add(result)


async def _pages(database: Database, moment: datetime) -> AsyncIterator[list[str]]:
    """Yield the ids of predictions with a milestone past its due day and grace period, page by page of milestones."""
    first_day_not_due = (moment - timedelta(days=POLICY.grace_days)).astimezone(UTC).date() + timedelta(days=1)
    bounds = {"high": first_day_not_due.isoformat(), "limit": PAGE_MILESTONES}

    async def read(after: str) -> list[str]:
        async def work(unit: Unit) -> list[str]:
            (page,) = await unit.run("outcomes/list_due_milestones", after=after, **bounds)
            return list(page["keys"])

        return await database.read(work)

    seen: set[str] = set()
    async for keys in pages(read, str, PAGE_MILESTONES):
        owner_ids = await _list_owners(database, [key.partition(MARK)[2] for key in keys])
        # A transaction handles the whole chain, so later pages skip its prediction.
        yield [name for name in owner_ids if name not in seen]
        seen.update(owner_ids)


async def _list_owners(database: Database, milestone_ids: Sequence[str]) -> list[str]:
    async def work(unit: Unit) -> list[str]:
        (owners,) = await unit.run("outcomes/list_milestone_owners", ids=milestone_ids)
        return list(owners["prediction_ids"])

    return await database.read(work)


async def _sweep_one(database: Database, prediction_id: str, moment: datetime, by: str, *, is_dry_run: bool) -> Payload:
    arguments = {"prediction_id": prediction_id, "moment": moment.isoformat()}
    request = WriteRequest(SWEEP, arguments, is_dry_run=is_dry_run)

    async def work(unit: Unit) -> Payload:
        return await _sweep_chain(unit, prediction_id, moment, by)

    def list_entries(payload: Payload) -> list[str]:
        return [miss["evidence_id"] for miss in payload["misses"]]

    answered = await write_once(database, request, work, claim_ids=[prediction_id], list_entries=list_entries)
    return answered.payload


async def _sweep_chain(unit: Unit, prediction_id: str, moment: datetime, by: str) -> Payload:
    """Mark and record everything overdue in one chain; the prediction is locked."""
    chain = [milestone for milestone in await list_chain(unit, prediction_id) if _is_due(milestone, moment)]
    missed = await list_missed(unit, chain)
    claim = await get_claim(unit, prediction_id)
    now = datetime.now(UTC)
    state, entries, set_rows = claim.state, list[LedgerEntry](), dict[str, dict[str, Any]]()
    misses = []
    for milestone in chain:
        emits = _emits(milestone, claim) and milestone.id not in missed
        emitted_at = milestone.miss_emitted_at or (now if milestone.id in missed else None)
        if emits:
            details = EntryDetails(
                kind=CHECK_IN_MISSED, observed_at=moment, by=by, idempotency_key=miss_key(milestone.id)
            )
            entry = make_milestone_entry(claim, state, details, now, (milestone, missed_check_in()))
            misses.append({"milestone_id": milestone.id, **entry.payload(now)})
            entries.append(entry)
            state, emitted_at = entry.after, entry.row.recorded_at
        set_rows[milestone.id] = _swept(milestone, emitted_at, by, state.resolved_at)
    if entries:
        await append_entries(unit, claim, entries, state, now)
    await set_milestones(unit, set_rows)
    num_overdue = sum(milestone.status is MilestoneStatus.PENDING for milestone in chain)
    return {"num_overdue": num_overdue, "misses": misses}


def _is_due(milestone: Milestone, moment: datetime) -> bool:
    due = milestone.due_date()
    is_waiting = milestone.status not in OBSERVED and milestone_keys(milestone)["due_key"] is not None
    return is_waiting and due is not None and is_overdue(due, moment, grace_days=POLICY.grace_days)


def _emits(milestone: Milestone, claim: StoredClaim) -> bool:
    """Whether its miss is evidence: the prediction is open and has a stated probability."""
    return (
        milestone.kind is MilestoneKind.CHECK_IN
        and milestone.miss_emitted_at is None
        and claim.state.status is ClaimStatus.OPEN
        and claim.state.inside_log_odds is not None
    )


def _swept(milestone: Milestone, emitted_at: datetime | None, by: str, closed_at: datetime | None) -> dict[str, Any]:
    """Return its node's properties: overdue, and without a due key, whether or not a miss was recorded."""
    emitted_by = milestone.miss_emitted_by or (by if emitted_at is not None else None)
    values = {
        "status": MilestoneStatus.OVERDUE,
        "miss_emitted_at": emitted_at,
        "miss_emitted_by": emitted_by,
    }
    swept = validated(Milestone, {**dict(milestone), **values})
    return {**values, "status": swept.status.value, **milestone_keys(swept, closed_at=closed_at), "due_key": None}
