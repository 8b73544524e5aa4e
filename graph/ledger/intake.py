"""
Evidence intake: items weighed, checked against what is stored, and appended to the ledger in one transaction.

The claims are locked before anything is read, so what an item is added to is the state that the last one left.
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
# One group is written while the next is made ready; more would only queue for the same commit.
MAX_GROUPS_AT_ONCE = 2
MAX_GROUP_ITEMS = 100
SUBMITTED = "submitted"
UNTIL_THEN = "; submit it once it is observed, or record a milestone for what is expected"


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """
    Evidence as it is submitted.

    Attributes:
        claim_id: The claim that it bears on.
        direction: Whether it speaks for the claim or against it.
        strength: In a word, or as a likelihood ratio of 1 or more.
        confidence: Probability that it is real, 0 to 1; None counts as 1.
        predictor_id: Whose record it is weighed by; None for evidence that no predictor stands for.
        document_id: Where it stands.
        milestone_id: Which milestone it tells of.
        url: Where it stands, as an address.
        cluster_id: The source event that it shares with other items.
        observed_at: When it was observed; None for now.
        note: What there is to say about it.
        submitted_by: Who submits it.
        kind: What kind of evidence it is.
        label: What it is called.
        accepts_unlinked_predictor: Whether the predictor need not be who made the claim.
        path: Where in the input it is, for errors.
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
        What it weighs before anyone's record is looked at.

        Raises:
            InvalidError: Its strength or its confidence lies outside.
        """
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            message = f"expected a probability from 0 to 1, got {self.confidence}"
            raise InvalidError(message, path=f"{self.path}.confidence")
        try:
            return weigh(self.strength, self.direction, confidence=self.confidence)
        except ValueError as error:
            raise InvalidError(str(error), path=f"{self.path}.strength") from error

    def arguments(self) -> dict[str, Any]:
        """Everything that makes it what it is, for telling one request from another."""
        return {name: value for name, value in as_mapping(self).items() if name != "path"}


@dataclass(frozen=True, slots=True)
class _Weighed:
    """An item with what can be said of it before the database is asked."""

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
    """The state of everything that a batch touches, as its items are added one after the other."""

    moment: datetime
    states: dict[str, ClaimState] = field(default_factory=dict)
    clusters: dict[tuple[str, str], Cluster] = field(default_factory=dict)
    observed: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)

    def fork(self) -> "_Batch":
        """A copy to go on with, which leaves this one as it is."""
        return _Batch(
            self.moment,
            dict(self.states),
            dict(self.clusters),
            dict(self.observed),
            list(self.rows),
            list(self.items),
        )

    def claims(self) -> list[dict[str, Any]]:
        """What the claims' nodes keep after it, as the statement takes it."""
        return [
            {"id": claim_id, "properties": state.stored(self.moment)} for claim_id, state in sorted(self.states.items())
        ]


@dataclass(frozen=True, slots=True)
class _Submission:
    """A request on its way into the ledger."""

    request: WriteRequest
    key: str
    weighed: Sequence[_Weighed]
    done: asyncio.Future[Answered] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def finish(self, answered: Answered) -> None:
        if not self.done.done():  # whoever asked may have gone
            self.done.set_result(answered)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Intake:
    """
    One process's way into the ledger of one database.

    Requests that arrive while others are being written go into the ledger together, in one transaction. Each keeps its
    own receipt, and is written or refused by itself. A commit costs the same for one as for many, so the busier the
    intake the more each commit carries, and a request that comes alone waits for nobody.
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
            items: In the order in which they are recorded.
            mutation: Under which name a retry is known.
            idempotency_key: Under which key.
            is_dry_run: Say what it would do, and keep nothing.

        Returns:
            A payload with `items`, of each its `evidence_id`, `claim_id`, `step` and the belief `before` and `after`.

        Raises:
            RefusedError: What is wrong with the one item.
            RefusedItemsError: What is wrong with several.
        """
        if not 1 <= len(items) <= MAX_BATCH_ITEMS:
            message = f"expected 1 to {MAX_BATCH_ITEMS} items, got {len(items)}"
            raise InvalidError(message, path="items")
        weighed = _weigh_all(items, datetime.now(UTC))
        request = WriteRequest(mutation, {"items": [item.arguments() for item in items]}, idempotency_key, is_dry_run)
        if is_dry_run:
            return await _try(self._database, request, weighed)
        return await self._write_in_turn(_Submission(request, receipt_key(request), weighed))

    async def _write_in_turn(self, submission: _Submission) -> Answered:
        self._waiting.append(submission)
        if len(self._workers) < MAX_GROUPS_AT_ONCE:
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return await submission.done

    async def _work(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft()]
            size = len(group[0].weighed)
            while self._waiting and size + len(self._waiting[0].weighed) <= MAX_GROUP_ITEMS:
                group.append(self._waiting.popleft())
                size += len(group[-1].weighed)
            await self._write(group)

    async def _write(self, group: Sequence[_Submission]) -> None:
        """Write a group; where it fails as a whole each by itself, so that nobody fails for another's sake."""
        try:
            outcomes, bookmark = await self._database.write_marked(lambda unit: _write_group(unit, group))
        except asyncio.CancelledError:
            for submission in group:
                submission.done.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whoever asked is told
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


async def _try(database: Database, request: WriteRequest, weighed: Sequence[_Weighed]) -> Answered:
    """What a request would do, in a transaction of its own that is rolled back."""

    async def work(unit: Unit) -> Payload:
        asked = [entry.parameters(index, request.idempotency_key) for index, entry in enumerate(weighed)]
        batch = _Batch(moment=datetime.now(UTC))
        contexts = await unit.run("ledger/list_intake_context", items=asked)
        _add_all(weighed, contexts, batch, request.idempotency_key)
        await append(unit, batch.rows, batch.claims())
        return {"items": batch.items}

    return await write_once(database, request, work, claim_ids=[entry.item.claim_id for entry in weighed])


_Outcome = tuple[Payload, bool] | RefusedError
"""What became of a request: its answer and whether that was there already, or why it was refused."""


async def _write_group(unit: Unit, group: Sequence[_Submission]) -> list[_Outcome]:
    """Write the requests of a group that are right and have not been written before."""
    keys = sorted({submission.key for submission in group})
    claim_ids = sorted({entry.item.claim_id for submission in group for entry in submission.weighed})
    (opened,) = await unit.run("database/open_receipts", keys=keys, claim_ids=claim_ids)
    receipts = {receipt["key"]: receipt for receipt in opened["known"]}
    contexts = await _contexts(unit, [submission for submission in group if submission.key not in receipts])
    batch = _Batch(moment=datetime.now(UTC))
    outcomes: list[_Outcome] = []
    written: dict[str, dict[str, Any]] = {}
    for submission in group:
        try:
            outcome, batch = _take(submission, receipts.get(submission.key), contexts, batch)
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
        await unit.run("database/close_receipts", receipts=closed, refused=refused, rises=bool(batch.rows))
    return outcomes


async def _contexts(unit: Unit, submissions: Sequence[_Submission]) -> dict[str, Mapping[str, Any]]:
    """What must be known to weigh the items of some requests, by the ids that their rows will have."""
    asked = [(entry, submission.request.idempotency_key) for submission in submissions for entry in submission.weighed]
    if not asked:
        return {}
    items = [entry.parameters(index, key) for index, (entry, key) in enumerate(asked)]
    rows = await unit.run("ledger/list_intake_context", items=items)
    return {entry.evidence_id: row for (entry, _), row in zip(asked, rows, strict=True)}


def _take(
    submission: _Submission,
    receipt: Mapping[str, Any] | None,
    contexts: Mapping[str, Mapping[str, Any]],
    batch: _Batch,
) -> tuple[tuple[Payload, bool], _Batch]:
    """A request's answer, and the batch with its items; the batch that is given stays as it is."""
    if receipt is not None:
        check_same(submission.request, submission.request.fingerprint(), receipt)
        return (json.loads(receipt["answer"]), True), batch
    trial = batch.fork()
    own = [contexts[entry.evidence_id] for entry in submission.weighed]
    _add_all(submission.weighed, own, trial, submission.request.idempotency_key)
    # As a retry will read it: what JSON makes of it.
    return (json.loads(json.dumps({"items": trial.items[len(batch.items) :]})), False), trial


def _weigh_all(items: Sequence[EvidenceItem], now: datetime) -> list[_Weighed]:
    weighed: list[_Weighed] = []
    refusals: list[RefusedError] = []
    for item in items:
        try:
            observed_at = item.observed_at or now
            check_past(observed_at, now, path=f"{item.path}.observed_at", advice=UNTIL_THEN)
            weighed.append(_Weighed(item, item.weigh(), new_id(), observed_at))
        except RefusedError as refusal:
            refusals.append(refusal)
    refuse(refusals)
    return weighed


def _add_all(
    weighed: Sequence[_Weighed],
    contexts: Sequence[Mapping[str, Any]],
    batch: _Batch,
    idempotency_key: str | None,
) -> None:
    """
    Add a request's items to a batch.

    Raises:
        RefusedError: With everything that is wrong with them; the batch is of no more use then.
    """
    refusals: list[RefusedError] = []
    key = idempotency_key
    for entry, context in zip(weighed, contexts, strict=True):
        try:
            _check(entry, context, batch)
            _add(entry, context, batch, idempotency_key=key)
            key = None  # of several rows the first holds the key, since a key stands on one row
        except RefusedError as refusal:
            refusals.append(refusal)
    refuse(refusals)


def _check(entry: _Weighed, context: Mapping[str, Any], batch: _Batch) -> None:
    """What is stored, and what came before in the batch, against an item."""
    item = entry.item
    if context["claim"] is None:
        message = f"expected the id of a claim, got {item.claim_id!r}, which none has"
        raise NotFoundError(message, path=f"{item.path}.claim_id")
    for name, found in (("predictor", context["predictor"]), ("document", context["document_id"])):
        given = getattr(item, f"{name}_id")
        if given is not None and found is None:
            message = f"expected the id of a {name}, got {given!r}, which none has; add the {name} first"
            raise NotFoundError(message, path=f"{item.path}.{name}_id")
    check_open(context["claim"], path=f"{item.path}.claim_id")
    if context["claim"]["stated_probability"] is None:
        message = (
            f"expected a claim with a stated probability, got {item.claim_id!r}, which has none, so that evidence has "
            "nothing to move; state one first"
        )
        raise ConflictError(message, path=f"{item.path}.claim_id")
    _check_duplicates(entry, context, batch)
    made_by = context["claim"]["predictor_id"]
    if item.predictor_id is not None and item.predictor_id != made_by and not item.accepts_unlinked_predictor:
        maker = f"{made_by!r} made it" if made_by else "no predictor made it"
        message = (
            f"expected the predictor of claim {item.claim_id!r} ({maker}), got {item.predictor_id!r}; leave the "
            "predictor out, or say accepts_unlinked_predictor: true to have this predictor's record weigh it"
        )
        raise UnlinkedPredictorError(message, path=f"{item.path}.predictor_id")


def _check_duplicates(entry: _Weighed, context: Mapping[str, Any], batch: _Batch) -> None:
    item = entry.item
    if context["key_holder"] is not None:
        message = f"this idempotency key came before, with ledger row {context['key_holder']!r}; it counts once"
        raise DuplicateError(message, existing_key=context["key_holder"], path="idempotency_key")
    key = entry.observation_key()
    observed = context["observed"] or (batch.observed.get(key) if key else None)
    if observed is not None:
        message = (
            f"the same source observed at {entry.observed_at.isoformat()} is in the ledger already, "
            f"as row {observed!r}; it counts once. A second observation has its own observed_at"
        )
        raise DuplicateError(message, existing_key=observed, path=item.path)
    if key is not None:
        batch.observed[key] = entry.evidence_id


def _add(entry: _Weighed, context: Mapping[str, Any], batch: _Batch, *, idempotency_key: str | None) -> None:
    """One item: its ledger row, and the state after it."""
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
        recorded = make_entry(
            state, weight, values, contribution, now=batch.moment, cluster=_cluster(item, context, batch)
        )
    except ValidationError as error:
        problem = describe_problem(error.errors(include_url=False)[0])
        raise InvalidError(problem.message, path=f"{item.path}.{problem.path}") from error
    if item.cluster_id is not None and recorded.derived.cluster is not None:
        batch.clusters[item.claim_id, item.cluster_id] = recorded.derived.cluster
    batch.states[item.claim_id] = recorded.after
    batch.rows.append(recorded.properties())
    batch.items.append(recorded.payload(batch.moment))


def _cluster(item: EvidenceItem, context: Mapping[str, Any], batch: _Batch) -> Cluster | None:
    if item.cluster_id is None:
        return None
    known = batch.clusters.get((item.claim_id, item.cluster_id))
    if known is not None:
        return known
    return Cluster() if context["cluster"] is None else Cluster(*context["cluster"])
