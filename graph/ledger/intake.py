"""
Evidence intake: items are weighed, checked against the graph, and appended to the ledger in one transaction.

The claims are locked before anything is read, so each item is added to the state after the ledger's last row.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from graph.database.bounds import current_bounds
from graph.database.receipts import Answered, Payload, WriteRequest, check_same, make_receipt, own_key, receipt_key
from graph.database.revisions import changes_of_claims
from graph.database.sessions import Database, Unit
from graph.errors import (
    InvalidError,
    KeyReusedError,
    RefusedError,
    RefusedItemsError,
    TimedOutError,
    UnavailableError,
    refuse,
)
from graph.ledger.batches import Batch, Context, list_faults
from graph.ledger.entries import append
from graph.ledger.items import SUBMIT_EVIDENCE, BatchMode, EvidenceItem, Known, PreparedItem, prepare_items
from graph.ledger.refusal_payloads import write_refusal

MAX_BATCH_ITEMS = 1_000
# One group is written while the next is prepared; more would only queue for the same commit.
MAX_GROUPS_AT_ONCE = 2
MAX_GROUP_ITEMS = 100


@dataclass(frozen=True, slots=True)
class _Submission:
    """
    A request that waits to be written, and the future of its answer.

    Attributes:
        request: The request.
        key: The key of its receipt; None for one that needs none, as each item has its own.
        items: Its items.
        mode: What becomes of it where some items are refused.
        done: The future of its answer.
    """

    request: WriteRequest
    key: str | None
    items: Sequence[PreparedItem]
    mode: BatchMode
    done: asyncio.Future[Answered] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @classmethod
    def make(cls, request: WriteRequest, items: Sequence[PreparedItem], mode: BatchMode) -> "_Submission":
        is_covered = request.idempotency_key is None and all(prepared.request is not None for prepared in items)
        return cls(request, None if is_covered else receipt_key(request), items, mode)

    def receipt_keys(self) -> list[str]:
        """Return the keys of all receipts that it may have."""
        own = [receipt_key(prepared.request) for prepared in self.items if prepared.request is not None]
        return own if self.key is None else [self.key, *own]

    def finish(self, answered: Answered) -> None:
        if not self.done.done():  # the caller may have been cancelled
            self.done.set_result(answered)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Intake:
    """
    The queue of one process for writes to the ledger of one database.

    Requests that arrive while others are being written form a group, which one transaction writes. Each has a receipt
    of its own, and is written or refused by itself. A commit costs the same for one request as for many, so groups grow
    with the load, and a request that arrives alone does not wait.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[_Submission] = deque()
        self._workers: set[asyncio.Task[None]] = set()

    async def submit(
        self,
        items: Sequence[EvidenceItem],
        *,
        mutation: str = SUBMIT_EVIDENCE,
        mode: BatchMode = BatchMode.ALL_OR_NONE,
        idempotency_key: str | None = None,
        is_dry_run: bool = False,
        known: Known | None = None,
    ) -> Answered:
        """
        Append evidence to the ledger in one transaction.

        An item with a key of its own counts once: where it is recorded already, its stored answer is given again.

        Args:
            items: The items, in the order in which they are recorded.
            mutation: The mutation's name; an idempotency key belongs to one mutation.
            mode: Whether one refused item refuses all, or each is recorded or refused by itself.
            idempotency_key: The request's key; None without one.
            is_dry_run: Whether to compute the answer and roll back.
            known: Items of the same source that were submitted before, to which these are added; by default none.

        Returns:
            A payload with `items`, of each its `evidence_id`, `claim_id`, `step` and the belief `before` and `after`,
            and `is_replayed` where that was stored under its key; or its `refusals`, where each item is by itself.

        Raises:
            InvalidError: There are no items or more than `MAX_BATCH_ITEMS`.
            RefusedError: One item is refused, and with it all.
            RefusedItemsError: Several items are refused; the error lists each refusal.
        """
        if not 1 <= len(items) <= MAX_BATCH_ITEMS:
            message = f"expected 1 to {MAX_BATCH_ITEMS} items, got {len(items)}"
            raise InvalidError(message, path="items")
        request = WriteRequest(mutation, _arguments(items, mode), idempotency_key, is_dry_run)
        source = Known() if known is None else known
        prepared = prepare_items(items, datetime.now(UTC), source, current_bounds.get())
        submission = _Submission.make(request, prepared, mode)
        if is_dry_run:
            return await _dry_run(self._database, submission, source)
        return await self._write_in_turn(submission)

    async def _write_in_turn(self, submission: _Submission) -> Answered:
        self._waiting.append(submission)
        if len(self._workers) < MAX_GROUPS_AT_ONCE:
            worker = asyncio.create_task(self._write_waiting())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return await submission.done

    async def _write_waiting(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft()]
            size = len(group[0].items)
            while self._waiting and size + len(self._waiting[0].items) <= MAX_GROUP_ITEMS:
                group.append(self._waiting.popleft())
                size += len(group[-1].items)
            await self._write(group)

    async def _write(self, group: Sequence[_Submission]) -> None:
        """Write a group; if that fails as a whole, write each request by itself, so that none fails through another."""
        try:
            outcomes, bookmark = await self._database.write_marked(lambda unit: _write_group(unit, group))
        except asyncio.CancelledError:
            for submission in group:
                submission.done.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - each caller gets the error
            if len(group) > 1 and not isinstance(error, UnavailableError | TimedOutError):
                for submission in group:
                    await self._write([submission])
                return
            for submission in group:
                submission.fail(error)
            return
        for submission, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, RefusedError):
                submission.fail(outcome)
            else:
                payload, is_replayed = outcome
                submission.finish(Answered(payload, is_replayed=is_replayed, bookmark=bookmark))


def _arguments(items: Sequence[EvidenceItem], mode: BatchMode) -> dict[str, Any]:
    """Return all that decides what a request writes; what is as usual is left out, as older receipts do not have it."""
    arguments: dict[str, Any] = {"items": [item.arguments() for item in items]}
    if any(item.idempotency_key is not None for item in items):
        arguments["keys"] = [item.idempotency_key for item in items]
    return arguments if mode is BatchMode.ALL_OR_NONE else arguments | {"mode": mode.value}


_Outcome = tuple[Payload, bool] | RefusedError
"""The result of a request: its payload and whether that is replayed from a receipt, or the refusal."""


class _DryRunError(Exception):
    """Rolls back the transaction of a dry run, and carries its outcome out."""

    def __init__(self, outcome: _Outcome) -> None:
        super().__init__()
        self.outcome = outcome


async def _dry_run(database: Database, submission: _Submission, known: Known) -> Answered:
    """Compute a request's answer in a transaction that is rolled back; notes what it would have recorded."""

    async def work(unit: Unit) -> None:
        (outcome,) = await _write_group(unit, [submission])
        raise _DryRunError(outcome)

    try:
        await database.write(work)
    except _DryRunError as dry_run:
        if isinstance(dry_run.outcome, RefusedError):
            raise dry_run.outcome from None
        payload, is_replayed = dry_run.outcome
        for prepared, answer in zip(submission.items, payload["items"], strict=True):
            key = prepared.observation_key()
            if key is not None and "refusals" not in answer and not answer.get("is_replayed"):
                known.note_observation(key, prepared.item.path)
        return Answered(payload, is_replayed=is_replayed, is_dry_run=True)
    raise AssertionError("a dry run ends by rolling back")


async def _write_group(unit: Unit, group: Sequence[_Submission]) -> list[_Outcome]:
    """Write a group's requests, except those that are refused or have a receipt; return the outcome of each."""
    keys = sorted({key for submission in group for key in submission.receipt_keys()})
    claim_ids = sorted({prepared.item.claim_id for submission in group for prepared in submission.items})
    (opened,) = await unit.run("database/open_receipts", keys=keys, claim_ids=claim_ids)
    receipts = {receipt["key"]: receipt for receipt in opened["known"]}
    contexts = await _read_contexts(unit, [submission for submission in group if submission.key not in receipts])
    batch = Batch(moment=datetime.now(UTC))
    outcomes: list[_Outcome] = []
    written: dict[str, dict[str, Any]] = {}
    for submission in group:
        writing = _Writing(submission, contexts, receipts, batch)
        try:
            outcomes.append(writing.answer())
        except RefusedError as refusal:
            outcomes.append(refusal)
            continue
        batch = writing.batch
        written |= writing.receipts
        receipts |= writing.receipts
    if batch.rows:
        await append(unit, batch.rows, batch.claims())
    refused = [key for key in keys if key not in receipts]
    if written or refused:
        closed = [{"key": key, "properties": properties} for key, properties in sorted(written.items())]
        changes = changes_of_claims(batch.states, [row["id"] for row in batch.rows]).parameters()
        await unit.run("database/close_receipts", receipts=closed, refused=refused, rises=bool(batch.rows), **changes)
    return outcomes


async def _read_contexts(unit: Unit, submissions: Sequence[_Submission]) -> dict[str, Context]:
    """Read the stored context of each item of some requests, by the id of the item's ledger row."""
    asked = [(prepared, submission.request) for submission in submissions for prepared in submission.items]
    if not asked:
        return {}
    items = [
        prepared.parameters(index, own_key(prepared.item.idempotency_key or request.idempotency_key, request.caller))
        for index, (prepared, request) in enumerate(asked)
    ]
    rows = await unit.run("ledger/list_intake_context", items=items)
    return {prepared.evidence_id: row for (prepared, _), row in zip(asked, rows, strict=True)}


class _Writing:
    """
    One request as it is written.

    Args:
        submission: The request.
        contexts: What the graph holds about its items, by the ids of their ledger rows.
        known: The receipts before it.
        batch: The rows before it; unchanged.

    Attributes:
        batch: The rows before it and its own.
        receipts: Its receipts, by key.
    """

    def __init__(
        self,
        submission: _Submission,
        contexts: Mapping[str, Context],
        known: Mapping[str, Mapping[str, Any]],
        batch: Batch,
    ) -> None:
        self.batch = batch.fork()
        self.receipts: dict[str, dict[str, Any]] = {}
        self._submission, self._contexts, self._known = submission, contexts, known
        self._key = submission.request.idempotency_key
        is_whole = submission.mode is BatchMode.ALL_OR_NONE
        self._unrecorded = {entry.evidence_id: entry.item.path for entry in submission.items} if is_whole else {}

    def answer(self) -> tuple[Payload, bool]:
        """
        Answer the request, from its receipt where there is one.

        Returns:
            The payload, and whether it is replayed.

        Raises:
            KeyReusedError: The receipt is of another request.
            RefusedError: An item is refused, and with it all.
        """
        request, key = self._submission.request, self._submission.key
        receipt = None if key is None else self._known.get(key)
        if receipt is not None:
            check_same(request, request.fingerprint(), receipt)
            return json.loads(receipt["answer"]), True
        payloads, refusals = [], []
        for prepared in self._submission.items:
            try:
                payloads.append(self._answer_item(prepared))
            except RefusedError as refusal:
                found = refusal.refusals if isinstance(refusal, RefusedItemsError) else [refusal]
                payloads.append({"refusals": [write_refusal(fault) for fault in found]})
                refusals += found
        if self._submission.mode is BatchMode.ALL_OR_NONE:
            refuse(refusals)
        return self._keep(request, {"items": payloads}), False

    def _answer_item(self, prepared: PreparedItem) -> Payload:
        """
        Answer an item, from its own receipt where there is one.

        Raises:
            RefusedError: The item is refused.
        """
        request = prepared.request
        key = None if request is None else receipt_key(request)
        receipt = None if key is None else (self.receipts.get(key) or self._known.get(key))
        if request is not None and receipt is not None:
            return _replay(prepared, request, receipt)
        context = self._contexts[prepared.evidence_id]
        caller = self._submission.request.caller
        row_key = own_key(prepared.item.idempotency_key or self._key, caller)
        refuse(
            list_faults(prepared, context, self.batch, idempotency_key=row_key, unrecorded=self._unrecorded),
        )
        payload = self.batch.add(prepared, context, idempotency_key=row_key, caller=caller)
        if request is not None:
            self._keep(request, {"items": [payload]})
        else:
            self._key = None  # a key is unique among ledger rows, so only the request's first row has it
        return payload

    def _keep(self, request: WriteRequest, payload: Payload) -> Payload:
        """Make the receipt of a request, and return its payload."""
        # Through JSON, so that the first answer equals the one that a retry reads from the receipt.
        text = json.dumps(payload, ensure_ascii=False)
        key = receipt_key(request) if request is not self._submission.request else self._submission.key
        if key is not None:
            self.receipts[key] = make_receipt(request, request.fingerprint(), text)
        kept: Payload = json.loads(text)
        return kept


def _replay(prepared: PreparedItem, request: WriteRequest, receipt: Mapping[str, Any]) -> Payload:
    """
    Return an item's stored answer.

    Raises:
        KeyReusedError: The receipt is of another item.
        RefusedItemsError: So it is, and the item has faults besides.
    """
    try:
        check_same(request, request.fingerprint(), receipt)
    except KeyReusedError as reused:
        own = KeyReusedError(reused.message, path=f"{prepared.item.path}.idempotency_key")
        refuse([own, *prepared.faults])
    payload: Payload = json.loads(receipt["answer"])["items"][0]
    return payload | {"is_replayed": True}
