"""
Ledger entries that the service makes itself: for outcomes of claims and of milestones.

Each is made for a claim that the transaction has locked, so the state that it is added to is the latest one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from graph.database.receipts import current_caller
from graph.database.sessions import Unit
from graph.errors import InvalidError, NotFoundError
from graph.inference.calibration import KappaInUse
from graph.inference.evidence import WeighedEvidence
from graph.ledger.claim_state import STATE_PROPERTIES, ClaimState
from graph.ledger.entries import NO_WEIGHT, LedgerEntry, Weight, append, make_entry, new_id
from graph.ledger.predictor_records import kappa_of
from graph.model.page_keys import OUTCOMES, own_keys
from graph.model.problems import describe_problem
from graph.model.properties import from_properties
from graph.model.rows import Milestone, Row
from graph.model.subjects import list_of, subject_of

RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True, slots=True)
class StoredClaim:
    """
    A stored claim, read under its lock.

    Attributes:
        subject: Prediction, Scenario or Killer.
        properties: All properties of its node.
        state: The state that its belief is computed from.
        predictor_id: The id of its predictor; None without one.
        record: The record that weights the predictor's next evidence; None without a predictor.
    """

    subject: str
    properties: Mapping[str, Any]
    state: ClaimState
    predictor_id: str | None
    record: KappaInUse | None

    def stored(self, state: ClaimState, moment: datetime) -> dict[str, Any]:
        """Return its node's properties in another state: status, belief as of a moment, and page keys."""
        is_early = None
        if state.status in OUTCOMES and state.resolved_at is not None and state.window is not None:
            is_early = state.resolved_at < state.window[0] or None
        before = from_properties(list_of(self.subject).row, self.properties)
        claim = before.model_copy(update={"status": state.status, "resolved_at": state.resolved_at})
        outcome = {"status": state.status.value, "resolved_at": state.resolved_at, "is_early": is_early}
        return {**outcome, **state.stored(moment), **own_keys(claim)}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDetails:
    """
    The kind and origin of a ledger entry.

    Attributes:
        kind: The evidence kind of the row.
        observed_at: The moment of the observation.
        by: The name of the person or program that reports it.
        note: The reason or source.
        idempotency_key: The row's key; None without one.
        caller: The name of whoever has it added; empty for nobody in particular.
    """

    kind: str
    observed_at: datetime
    by: str | None = None
    note: str | None = None
    idempotency_key: str | None = None
    caller: str = field(default_factory=current_caller.get)


async def get_claim(unit: Unit, claim_id: str, *, path: str = "claim") -> StoredClaim:
    """
    Read a claim with its state and its predictor's record.

    Raises:
        NotFoundError: No claim has the id; the error's path is `path`.
    """
    rows = await unit.run("outcomes/get_claim", id=claim_id)
    if not rows:
        message = f"no claim has the id {claim_id!r}; add it first"
        raise NotFoundError(message, path=path)
    (row,) = rows
    subject = subject_of(row["labels"])
    properties = {**dict.fromkeys(STATE_PROPERTIES), **row["claim"]}
    predictor = row["predictor"]
    return StoredClaim(
        subject=subject,
        properties=row["claim"],
        state=ClaimState.from_row({**row, "claim": properties}),
        predictor_id=None if predictor is None else predictor["id"],
        record=None if predictor is None else kappa_of(predictor),
    )


def make_outcome_entry(state: ClaimState, details: EntryDetails, now: datetime) -> LedgerEntry:
    """Make a ledger row without weight, which records an outcome of its claim."""
    return _make(state, details, now, NO_WEIGHT, {}, None)


def make_milestone_entry(
    claim: StoredClaim,
    state: ClaimState,
    details: EntryDetails,
    now: datetime,
    weighed_milestone: tuple[Milestone, WeighedEvidence],
) -> LedgerEntry:
    """
    Make the ledger row for a milestone's outcome as evidence on its prediction.

    Args:
        claim: The prediction, whose predictor's record weights the row.
        state: The prediction's state before the row; a probability was stated.
        details: The row's kind and origin.
        now: The moment of recording, unless the ledger's last row is later.
        weighed_milestone: The milestone, and its weight before kappa.
    """
    milestone, weighed = weighed_milestone
    contribution = {
        "kind": details.kind,
        "label": milestone.label,
        "weight": milestone.weight,
        "strength": weighed.word(),
        "confidence": weighed.confidence,
        "source_url": milestone.source_url,
        "expected_date": milestone.expected_date,
        "criterion": milestone.criterion,
    }
    values = {"milestone_id": milestone.id, "predictor_id": claim.predictor_id, "n_milestones": 1}
    return _make(state, details, now, Weight(weighed.llr, claim.record), values, contribution)


def _make(
    state: ClaimState,
    details: EntryDetails,
    now: datetime,
    weight: Weight,
    values: Mapping[str, Any],
    contribution: Mapping[str, Any] | None,
) -> LedgerEntry:
    own_values = {
        "id": new_id(),
        "evidence_kind": details.kind,
        "observed_at": details.observed_at,
        "submitted_by": details.by,
        "caller": details.caller or None,
        "idempotency_key": details.idempotency_key,
        "note": details.note,
    }
    with client_values():
        return make_entry(state, weight, {**own_values, **values}, contribution, now=now)


@contextmanager
def client_values() -> Iterator[None]:
    """
    Turn validation errors into refusals: the only values in the block that may be invalid are the client's.

    Raises:
        InvalidError: A value breaks a rule of its property; the path is the property's name.
    """
    try:
        yield
    except ValidationError as error:
        problem = describe_problem(error.errors(include_url=False)[0])
        raise InvalidError(problem.message, path=problem.path) from error


def validated(kind: type[RowT], values: Mapping[str, Any]) -> RowT:
    """
    Make a row from values some of which are a client's.

    Raises:
        InvalidError: A value breaks a rule of its property; the path is the property's name.
    """
    with client_values():
        return kind(**values)


async def append_entries(
    unit: Unit, claim: StoredClaim, entries: Sequence[LedgerEntry], state: ClaimState, moment: datetime
) -> None:
    """Append a claim's new ledger rows, and set its node's properties for the given state."""
    stored = {"id": state.claim_id, "properties": claim.stored(state, moment)}
    await append(unit, [entry.properties() for entry in entries], [stored])
