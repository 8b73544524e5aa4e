"""Batches of evidence: items are checked against the graph and each other, and added one by one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from graph.errors import (
    ClosedClaimError,
    ConflictError,
    DuplicateError,
    InvalidError,
    NotFoundError,
    RefusedError,
    RefusedItemsError,
    UnlinkedPredictorError,
)
from graph.inference.evidence import Cluster
from graph.ledger.claim_state import ClaimState
from graph.ledger.entries import LedgerEntry, Weight, check_open, make_entry
from graph.ledger.items import EvidenceItem, PreparedItem, repeated_observation
from graph.ledger.predictor_records import kappa_of
from graph.model.problems import describe_problem

Context = Mapping[str, Any]
"""What the graph holds about an item: a row of `ledger/list_intake_context`."""


@dataclass(slots=True)
class Batch:
    """
    The states of claims and clusters while items are added one by one, and the ledger rows made so far.

    Attributes:
        moment: The moment of recording.
        states: The claims' states by id, after the items so far.
        clusters: The clusters' states by claim and name, after the items so far.
        observed: The ledger rows of the items so far, by their observation keys.
        rows: The properties of the ledger rows.
    """

    moment: datetime
    states: dict[str, ClaimState] = field(default_factory=dict)
    clusters: dict[tuple[str, str], Cluster] = field(default_factory=dict)
    observed: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def fork(self) -> "Batch":
        """Return a copy; adding items to it leaves this batch unchanged."""
        return Batch(self.moment, dict(self.states), dict(self.clusters), dict(self.observed), list(self.rows))

    def claims(self) -> list[dict[str, Any]]:
        """Return the id of each claim and the properties to set on its node, as `ledger/append` takes them."""
        return [
            {"id": claim_id, "properties": state.stored(self.moment)} for claim_id, state in sorted(self.states.items())
        ]

    def add(
        self, prepared: PreparedItem, context: Context, *, idempotency_key: str | None, caller: str = ""
    ) -> dict[str, Any]:
        """
        Add an item: its ledger row, and the states of its claim and cluster after the row.

        Args:
            prepared: The item, of which `list_faults` finds none.
            context: What the graph holds about it.
            idempotency_key: The key to note in the row.
            caller: The name of whoever adds it.

        Returns:
            The item's part of the answer.

        Raises:
            RefusedError: A value breaks a rule of its property; the batch is unchanged.
        """
        item = prepared.item
        state = self.states.get(item.claim_id) or ClaimState.from_row(context)
        cluster = self._cluster_of(item, context)
        added = _make_entry(prepared, state, context, (idempotency_key, caller), now=self.moment, cluster=cluster)
        if item.cluster_id is not None and added.derived.cluster is not None:
            self.clusters[item.claim_id, item.cluster_id] = added.derived.cluster
        observation = prepared.observation_key()
        if observation is not None:
            self.observed[observation] = prepared.evidence_id
        self.states[item.claim_id] = added.after
        self.rows.append(added.properties())
        return added.payload(self.moment)

    def _cluster_of(self, item: EvidenceItem, context: Context) -> Cluster | None:
        if item.cluster_id is None:
            return None
        known = self.clusters.get((item.claim_id, item.cluster_id))
        if known is not None:
            return known
        return Cluster() if context["cluster"] is None else Cluster(*context["cluster"])


def list_faults(
    prepared: PreparedItem,
    context: Context,
    batch: Batch,
    *,
    idempotency_key: str | None,
    unrecorded: Mapping[str, str],
) -> list[RefusedError]:
    """
    List everything that is wrong with an item.

    Args:
        prepared: The item.
        context: What the graph holds about it.
        batch: The items before it.
        idempotency_key: The key that its ledger row would have.
        unrecorded: Items of the batch that may yet come to nothing: their paths by the ids of their ledger rows.
    """
    faults = [*prepared.faults, *_sources_faults(prepared.item, context), *_claim_faults(prepared.item, context)]
    if context["key_holder"] is not None and idempotency_key is not None:
        message = (
            f"ledger row {context['key_holder']!r} already has the idempotency key {idempotency_key!r} and counts "
            "once; use another key for another request"
        )
        path = "idempotency_key" if prepared.request is None else f"{prepared.item.path}.idempotency_key"
        faults.append(DuplicateError(message, existing_key=context["key_holder"], path=path))
    if not any(isinstance(fault, DuplicateError) for fault in faults):
        faults += _observation_faults(prepared, context, batch, unrecorded)
    return faults


def _claim_faults(item: EvidenceItem, context: Context) -> Iterator[RefusedError]:
    claim = context["claim"]
    if claim is None:
        if item.claim_id:
            message = f"no claim has the id {item.claim_id!r}; add it first"
            yield NotFoundError(message, path=f"{item.path}.claim_id")
        return
    try:
        check_open(claim, path=f"{item.path}.claim_id")
    except ClosedClaimError as closed:
        yield closed
    if claim["stated_probability"] is None:
        message = f"claim {item.claim_id!r} has no stated probability for evidence to change; state one first"
        yield ConflictError(message, path=f"{item.path}.claim_id")
    made_by = claim["predictor_id"]
    if context["predictor"] is None or item.predictor_id == made_by or item.accepts_unlinked_predictor:
        return
    predictor = f"the predictor {made_by!r}" if made_by else "no predictor"
    message = (
        f"claim {item.claim_id!r} has {predictor}, and the evidence names {item.predictor_id!r}; leave the "
        "predictor out, or set accepts_unlinked_predictor: true to weight the evidence by this predictor's record"
    )
    yield UnlinkedPredictorError(message, path=f"{item.path}.predictor_id")


def _sources_faults(item: EvidenceItem, context: Context) -> Iterator[RefusedError]:
    for name, found in (("predictor", context["predictor"]), ("document", context["document_id"])):
        given = getattr(item, f"{name}_id")
        if given is not None and found is None:
            message = f"no {name} has the id {given!r}; add it first"
            yield NotFoundError(message, path=f"{item.path}.{name}_id")


def _observation_faults(
    prepared: PreparedItem, context: Context, batch: Batch, unrecorded: Mapping[str, str]
) -> Iterator[RefusedError]:
    key = prepared.observation_key()
    observed = context["observed"] or (None if key is None else batch.observed.get(key))
    if observed is None:
        return
    first = unrecorded.get(observed, f"ledger row {observed!r}")
    existing_key = None if observed in unrecorded else observed
    yield repeated_observation(first, prepared.observed_at, existing_key=existing_key, path=prepared.item.path)


def _make_entry(
    prepared: PreparedItem,
    state: ClaimState,
    context: Context,
    key_and_caller: tuple[str | None, str],
    *,
    now: datetime,
    cluster: Cluster | None,
) -> LedgerEntry:
    item, weighed = prepared.item, prepared.weight
    if weighed is None:
        raise AssertionError("an item without a weight has faults")
    idempotency_key, caller = key_and_caller
    record = None if context["predictor"] is None else kappa_of(context["predictor"])
    weight = Weight(weighed.llr, record, key_kappa=prepared.key_kappa)
    values = {
        "id": prepared.evidence_id,
        "evidence_kind": item.kind,
        "observed_at": prepared.observed_at,
        "submitted_by": item.submitted_by,
        "caller": caller or None,
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
        "strength": weighed.word(),
        "confidence": item.confidence,
        "source_url": item.url,
    }
    try:
        return make_entry(state, weight, values, contribution, now=now, cluster=cluster)
    except ValidationError as error:
        problems = [describe_problem(detail) for detail in error.errors(include_url=False)]
        faults = [InvalidError(problem.message, path=f"{item.path}.{problem.path}") for problem in problems]
        raise (faults[0] if len(faults) == 1 else RefusedItemsError(faults)) from error
