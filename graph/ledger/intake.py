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

from pydantic import ValidationError

from graph.database.receipts import Answered, Payload, WriteRequest, check_same, make_receipt, receipt_key, write_once
from graph.database.revisions import changes_of_claims
from graph.database.sessions import Database, Unit
from graph.errors import (
    ConflictError,
    DuplicateError,
    InvalidError,
    NotFoundError,
    RefusedError,
    TimedOutError,
    UnavailableError,
    UnlinkedPredictorError,
    refuse,
)
from graph.inference.evidence import Cluster, Direction, Strength, WeighedEvidence, weigh
from graph.ledger.claim_state import ClaimState, as_mapping
from graph.ledger.entries import Weight, append, check_open, check_past, make_entry, new_id
from graph.ledger.predictor_records import kappa_of
from graph.model.page_keys import bounds, cluster_anchor, observation_key
from graph.model.problems import describe_problem

MAX_BATCH_ITEMS = 1_000
# One group is written while the next is prepared; more would only queue for the same commit.
MAX_GROUPS_AT_ONCE = 2
MAX_GROUP_ITEMS = 100
SUBMITTED = "submitted"
FUTURE_ADVICE = "; submit it once it is observed, or record a milestone for what is expected"


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """
    An item of evidence as submitted.

    Attributes:
        claim_id: The id of the claim that it bears on.
        direction: Whether it supports the claim or contradicts it.
        strength: A named strength, or a likelihood ratio of 1 or more.
        confidence: Probability that the evidence is real, 0 to 1; None counts as 1.
        predictor_id: The id of the predictor whose record weights it; None for evidence without a predictor.
        document_id: The id of its source, if that is a document of the graph.
        milestone_id: The id of the milestone that it reports on.
        url: The address of its source.
        cluster_id: The name of the source event that it shares with other items.
        observed_at: The moment of observation; None for now.
        note: Free text about it.
        submitted_by: The name of the person or program that submits it.
        kind: The kind of evidence.
        label: A short name for it.
        accepts_unlinked_predictor: Whether the predictor may be another than the claim's.
        path: The path of the item in the request, for error messages.
    """

    claim_id: str
    direction: Direction
    strength: Strength | float
    confidence: float | None = None
    predictor_id: str | None = None
    document_id: str | None = None
    milestone_id: str | None = None
    url: str | None = None
    cluster_id: str | None = None
    observed_at: datetime | None = None
    note: str | None = None
    submitted_by: str | None = None
    kind: str = SUBMITTED
    label: str | None = None
    accepts_unlinked_predictor: bool = False
    path: str = "input"

    def weigh(self) -> WeighedEvidence:
        """
        Compute the item's weight, before any predictor's record applies.

        Raises:
            InvalidError: The strength or the confidence is out of range.
        """
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            message = f"expected a probability from 0 to 1, got {self.confidence}"
            raise InvalidError(message, path=f"{self.path}.confidence")
        try:
            return weigh(self.strength, self.direction, confidence=self.confidence)
        except ValueError as error:
            raise InvalidError(str(error), path=f"{self.path}.strength") from error

    def arguments(self) -> dict[str, Any]:
        """Return all attributes except the path, which a request's fingerprint is computed from."""
        return {name: value for name, value in as_mapping(self).items() if name != "path"}


@dataclass(frozen=True, slots=True)
class _WeighedItem:
    """An item with everything about it that follows without the database."""

    item: EvidenceItem
    weight: WeighedEvidence
    evidence_id: str
    observed_at: datetime

    def observation_key(self) -> str | None:
        source = self.item.document_id or self.item.url
        return None if source is None else observation_key(self.item.claim_id, source, self.observed_at)

    def parameters(self, index: int, idempotency_key: str | None) -> dict[str, Any]:
        item = self.item
        low, high = None, None
        if item.cluster_id is not None:
            low, high = bounds(cluster_anchor(item.claim_id, item.cluster_id))
        return {
            "index": index,
            "claim_id": item.claim_id,
            "predictor_id": item.predictor_id,
            "document_id": item.document_id,
            "milestone_id": item.milestone_id,
            "id": self.evidence_id,
            "idempotency_key": idempotency_key,
            "observation_key": self.observation_key(),
            "cluster_low": low,
            "cluster_high": high,
        }


@dataclass(slots=True)
class _Batch:
    """The states of claims and clusters while items are added one by one, and the ledger rows made so far."""

    moment: datetime
    states: dict[str, ClaimState] = field(default_factory=dict)
    clusters: dict[tuple[str, str], Cluster] = field(default_factory=dict)
    observed: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)

    def fork(self) -> "_Batch":
        """Return a copy; adding items to it leaves this batch unchanged."""
        return _Batch(
            self.moment,
            dict(self.states),
            dict(self.clusters),
            dict(self.observed),
            list(self.rows),
            list(self.items),
        )

    def claims(self) -> list[dict[str, Any]]:
        """Return the id of each claim and the properties to set on its node, as `ledger/append` takes them."""
        return [
            {"id": claim_id, "properties": state.stored(self.moment)} for claim_id, state in sorted(self.states.items())
        ]


@dataclass(frozen=True, slots=True)
class _Submission:
    """A request that waits to be written, and the future of its answer."""

    request: WriteRequest
    key: str
    weighed: Sequence[_WeighedItem]
    done: asyncio.Future[Answered] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

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
        mutation: str = "submitEvidence",
        idempotency_key: str | None = None,
        is_dry_run: bool = False,
    ) -> Answered:
        """
        Append evidence to the ledger, all items or none.

        Args:
            items: The items, in the order in which they are recorded.
            mutation: The mutation's name; an idempotency key belongs to one mutation.
            idempotency_key: The request's key; None without one.
            is_dry_run: Whether to compute the answer and roll back.

        Returns:
            A payload with `items`, of each its `evidence_id`, `claim_id`, `step` and the belief `before` and `after`.

        Raises:
            InvalidError: There are no items or more than `MAX_BATCH_ITEMS`.
            RefusedError: One item is refused.
            RefusedItemsError: Several items are refused; the error lists each refusal.
        """
        if not 1 <= len(items) <= MAX_BATCH_ITEMS:
            message = f"expected 1 to {MAX_BATCH_ITEMS} items, got {len(items)}"
            raise InvalidError(message, path="items")
        weighed = _weigh_all(items, datetime.now(UTC))
        request = WriteRequest(mutation, {"items": [item.arguments() for item in items]}, idempotency_key, is_dry_run)
        if is_dry_run:
            return await _dry_run(self._database, request, weighed)
        return await self._write_in_turn(_Submission(request, receipt_key(request), weighed))

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
            size = len(group[0].weighed)
            while self._waiting and size + len(self._waiting[0].weighed) <= MAX_GROUP_ITEMS:
                group.append(self._waiting.popleft())
                size += len(group[-1].weighed)
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


async def _dry_run(database: Database, request: WriteRequest, weighed: Sequence[_WeighedItem]) -> Answered:
    """Compute a request's answer in a transaction that is rolled back."""

    async def work(unit: Unit) -> Payload:
        asked = [entry.parameters(index, request.idempotency_key) for index, entry in enumerate(weighed)]
        batch = _Batch(moment=datetime.now(UTC))
        contexts = await unit.run("ledger/list_intake_context", items=asked)
        _add_all(weighed, contexts, batch, request.idempotency_key)
        await append(unit, batch.rows, batch.claims())
        return {"items": batch.items}

    return await write_once(database, request, work, claim_ids=[entry.item.claim_id for entry in weighed])


_Outcome = tuple[Payload, bool] | RefusedError
"""The result of a request: its payload and whether that is replayed from a receipt, or the refusal."""


async def _write_group(unit: Unit, group: Sequence[_Submission]) -> list[_Outcome]:
    """Write a group's requests, except those that are refused or have a receipt; return the outcome of each."""
    keys = sorted({submission.key for submission in group})
    claim_ids = sorted({entry.item.claim_id for submission in group for entry in submission.weighed})
    (opened,) = await unit.run("database/open_receipts", keys=keys, claim_ids=claim_ids)
    receipts = {receipt["key"]: receipt for receipt in opened["known"]}
    contexts = await _read_contexts(unit, [submission for submission in group if submission.key not in receipts])
    batch = _Batch(moment=datetime.now(UTC))
    outcomes: list[_Outcome] = []
    written: dict[str, dict[str, Any]] = {}
    for submission in group:
        try:
            outcome, batch = _answer(submission, receipts.get(submission.key), contexts, batch)
        except RefusedError as refusal:
            outcomes.append(refusal)
            continue
        outcomes.append(outcome)
        if submission.key not in receipts:
            text = json.dumps(outcome[0], ensure_ascii=False)
            written[submission.key] = make_receipt(submission.request, submission.request.fingerprint(), text)
            receipts[submission.key] = written[submission.key]
    if batch.rows:
        await append(unit, batch.rows, batch.claims())
    refused = [key for key in keys if key not in receipts]
    if written or refused:
        closed = [{"key": key, "properties": properties} for key, properties in sorted(written.items())]
        changes = changes_of_claims(batch.states).parameters()
        await unit.run("database/close_receipts", receipts=closed, refused=refused, rises=bool(batch.rows), **changes)
    return outcomes


async def _read_contexts(unit: Unit, submissions: Sequence[_Submission]) -> dict[str, Mapping[str, Any]]:
    """Read the stored context of each item of some requests, by the id of the item's ledger row."""
    asked = [(entry, submission.request.idempotency_key) for submission in submissions for entry in submission.weighed]
    if not asked:
        return {}
    items = [entry.parameters(index, key) for index, (entry, key) in enumerate(asked)]
    rows = await unit.run("ledger/list_intake_context", items=items)
    return {entry.evidence_id: row for (entry, _), row in zip(asked, rows, strict=True)}


def _answer(
    submission: _Submission,
    receipt: Mapping[str, Any] | None,
    contexts: Mapping[str, Mapping[str, Any]],
    batch: _Batch,
) -> tuple[tuple[Payload, bool], _Batch]:
    """
    Answer a request, from its receipt where there is one.

    Returns:
        The payload, whether it is replayed, and the batch with the request's items; the given batch is unchanged.

    Raises:
        KeyReusedError: The receipt is of another request.
        RefusedError: An item is refused.
    """
    if receipt is not None:
        check_same(submission.request, submission.request.fingerprint(), receipt)
        return (json.loads(receipt["answer"]), True), batch
    trial = batch.fork()
    item_contexts = [contexts[entry.evidence_id] for entry in submission.weighed]
    _add_all(submission.weighed, item_contexts, trial, submission.request.idempotency_key)
    # Through JSON, so that the first answer equals the one that a retry reads from the receipt.
    return (json.loads(json.dumps({"items": trial.items[len(batch.items) :]})), False), trial


def _weigh_all(items: Sequence[EvidenceItem], now: datetime) -> list[_WeighedItem]:
    weighed: list[_WeighedItem] = []
    refusals: list[RefusedError] = []
    for item in items:
        try:
            observed_at = item.observed_at or now
            check_past(observed_at, now, path=f"{item.path}.observed_at", advice=FUTURE_ADVICE)
            weighed.append(_WeighedItem(item, item.weigh(), new_id(), observed_at))
        except RefusedError as refusal:
            refusals.append(refusal)
    refuse(refusals)
    return weighed


def _add_all(
    weighed: Sequence[_WeighedItem],
    contexts: Sequence[Mapping[str, Any]],
    batch: _Batch,
    idempotency_key: str | None,
) -> None:
    """
    Add a request's items to a batch.

    Raises:
        RefusedError: An item is refused; the batch then holds a part of the items and must be discarded.
        RefusedItemsError: Several items are refused.
    """
    refusals: list[RefusedError] = []
    key = idempotency_key
    for entry, context in zip(weighed, contexts, strict=True):
        try:
            _check_item(entry, context, batch, idempotency_key)
            _add_item(entry, context, batch, idempotency_key=key)
            key = None  # a key is unique among ledger rows, so only the request's first row has it
        except RefusedError as refusal:
            refusals.append(refusal)
    refuse(refusals)


def _check_item(entry: _WeighedItem, context: Mapping[str, Any], batch: _Batch, idempotency_key: str | None) -> None:
    """
    Raise a refusal unless an item fits the graph and the items before it.

    Raises:
        NotFoundError: The claim, the predictor or the document does not exist.
        ClosedClaimError: The claim is resolved or annulled.
        ConflictError: The claim has no stated probability.
        DuplicateError: The observation or the idempotency key is recorded already.
        UnlinkedPredictorError: The predictor is not the claim's, and the item does not accept that.
    """
    item = entry.item
    if context["claim"] is None:
        message = f"no claim has the id {item.claim_id!r}; add it first"
        raise NotFoundError(message, path=f"{item.path}.claim_id")
    for name, found in (("predictor", context["predictor"]), ("document", context["document_id"])):
        given = getattr(item, f"{name}_id")
        if given is not None and found is None:
            message = f"no {name} has the id {given!r}; add it first"
            raise NotFoundError(message, path=f"{item.path}.{name}_id")
    check_open(context["claim"], path=f"{item.path}.claim_id")
    if context["claim"]["stated_probability"] is None:
        message = f"claim {item.claim_id!r} has no stated probability for evidence to change; state one first"
        raise ConflictError(message, path=f"{item.path}.claim_id")
    _check_duplicates(entry, context, batch, idempotency_key)
    made_by = context["claim"]["predictor_id"]
    if item.predictor_id is not None and item.predictor_id != made_by and not item.accepts_unlinked_predictor:
        predictor = f"the predictor {made_by!r}" if made_by else "no predictor"
        message = (
            f"claim {item.claim_id!r} has {predictor}, and the evidence names {item.predictor_id!r}; leave the "
            "predictor out, or set accepts_unlinked_predictor: true to weight the evidence by this predictor's record"
        )
        raise UnlinkedPredictorError(message, path=f"{item.path}.predictor_id")


def _check_duplicates(
    entry: _WeighedItem, context: Mapping[str, Any], batch: _Batch, idempotency_key: str | None
) -> None:
    item = entry.item
    if context["key_holder"] is not None:
        message = (
            f"ledger row {context['key_holder']!r} already has the idempotency key {idempotency_key!r} and counts "
            "once; use another key for another request"
        )
        raise DuplicateError(message, existing_key=context["key_holder"], path="idempotency_key")
    key = entry.observation_key()
    observed = context["observed"] or (batch.observed.get(key) if key else None)
    if observed is not None:
        message = (
            f"ledger row {observed!r} already records this source as observed at {entry.observed_at.isoformat()} "
            "and counts once; give a second observation its own observed_at"
        )
        raise DuplicateError(message, existing_key=observed, path=item.path)
    if key is not None:
        batch.observed[key] = entry.evidence_id


def _add_item(entry: _WeighedItem, context: Mapping[str, Any], batch: _Batch, *, idempotency_key: str | None) -> None:
    """
    Add an item to a batch: its ledger row, and the states of its claim and cluster after the row.

    Raises:
        InvalidError: A value breaks a rule of its property.
    """
    item = entry.item
    state = batch.states.get(item.claim_id) or ClaimState.from_row(context)
    weight = Weight(entry.weight.llr, None if context["predictor"] is None else kappa_of(context["predictor"]))
    values = {
        "id": entry.evidence_id,
        "evidence_kind": item.kind,
        "observed_at": entry.observed_at,
        "submitted_by": item.submitted_by,
        "idempotency_key": idempotency_key,
        "cluster_id": item.cluster_id,
        "url": item.url,
        "note": item.note,
        "predictor_id": item.predictor_id,
        "document_id": item.document_id,
        "milestone_id": item.milestone_id,
        "n_milestones": None if item.milestone_id is None else 1,
    }
    contribution = {
        "kind": item.kind,
        "label": item.label,
        "strength": entry.weight.word(),
        "confidence": item.confidence,
        "source_url": item.url,
    }
    try:
        added = make_entry(
            state, weight, values, contribution, now=batch.moment, cluster=_cluster(item, context, batch)
        )
    except ValidationError as error:
        problem = describe_problem(error.errors(include_url=False)[0])
        raise InvalidError(problem.message, path=f"{item.path}.{problem.path}") from error
    if item.cluster_id is not None and added.derived.cluster is not None:
        batch.clusters[item.claim_id, item.cluster_id] = added.derived.cluster
    batch.states[item.claim_id] = added.after
    batch.rows.append(added.properties())
    batch.items.append(added.payload(batch.moment))


def _cluster(item: EvidenceItem, context: Mapping[str, Any], batch: _Batch) -> Cluster | None:
    if item.cluster_id is None:
        return None
    known = batch.clusters.get((item.claim_id, item.cluster_id))
    if known is not None:
        return known
    return Cluster() if context["cluster"] is None else Cluster(*context["cluster"])
