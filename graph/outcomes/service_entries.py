"""
Ledger rows that the service makes of itself: what became of a claim, and what its milestones say of it.

Each is made for a claim whose lock the transaction holds, so that the state it is added to is the last one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from graph.database.sessions import Unit
from graph.errors import InvalidError, NotFoundError
from graph.inference.calibration import KappaInUse
from graph.inference.evidence import WeighedEvidence
from graph.ledger.claim_state import STATE_PROPERTIES, ClaimState
from graph.ledger.entries import NOTHING, LedgerEntry, Weight, append, make_entry, new_id
from graph.ledger.predictor_records import kappa_of
from graph.model.page_keys import prediction_keys
from graph.model.problems import describe_problem
from graph.model.properties import from_properties
from graph.model.rows import Milestone, Prediction, Row
from graph.model.subjects import subject_of

RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True, slots=True)
class StoredClaim:
    """
    A claim as it stands, read under its lock.

    Attributes:
        subject: Prediction, Scenario or Killer.
        properties: All that its node holds.
        state: What its belief is read from.
        predictor_id: Who made it, where that is known.
        record: By what the predictor's next evidence is weighed; None without a predictor.
    """

    subject: str
    properties: Mapping[str, Any]
    state: ClaimState
    predictor_id: str | None
    record: KappaInUse | None

    def stored(self, state: ClaimState, moment: datetime) -> dict[str, Any]:
        """What its node keeps in another state: status, belief and all page keys."""
        settled = {"status": state.status.value, "resolved_at": state.resolved_at, **state.stored(moment)}
        if self.subject != "Prediction":
            return settled
        was = from_properties(Prediction, self.properties)
        prediction = was.model_copy(update={"status": state.status, "resolved_at": state.resolved_at})
        return settled | prediction_keys(prediction, settled["posterior"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """
    Who says it, when, why, and under which key it counts once.

    Attributes:
        kind: What kind of ledger row it makes.
        observed_at: When it was so.
        by: Who says so.
        note: What there is to say about it.
        idempotency_key: The row's own; None for none.
    """

    kind: str
    observed_at: datetime
    by: str | None = None
    note: str | None = None
    idempotency_key: str | None = None


async def get_claim(unit: Unit, claim_id: str, *, path: str = "claim") -> StoredClaim:
    """
    A claim as it stands.

    Raises:
        NotFoundError: No claim has that id.
    """
    rows = await unit.run("outcomes/get_claim", id=claim_id)
    if not rows:
        message = f"expected the id of a claim, got {claim_id!r}, which none has"
        raise NotFoundError(message, path=path)
    (found,) = rows
    subject = subject_of(found["labels"])
    properties = {**dict.fromkeys(STATE_PROPERTIES), **found["claim"]}
    predictor = found["predictor"]
    return StoredClaim(
        subject=subject,
        properties=found["claim"],
        state=ClaimState.from_row({**found, "claim": properties}),
        predictor_id=None if predictor is None else predictor["id"],
        record=None if predictor is None else kappa_of(predictor),
    )


def make_outcome_entry(state: ClaimState, occasion: Occasion, now: datetime) -> LedgerEntry:
    """A ledger row that weighs nothing, and says what became of a claim."""
    return _make(state, occasion, now, NOTHING, {}, None)


def make_milestone_entry(
    claim: StoredClaim, state: ClaimState, occasion: Occasion, now: datetime, seen: tuple[Milestone, WeighedEvidence]
) -> LedgerEntry:
    """
    A ledger row for what a milestone says of its prediction.

    Args:
        claim: The prediction, whose predictor's record weighs it.
        state: The prediction's state before, with a stated probability.
        occasion: Who says so, when and why.
        now: The moment of recording, unless the ledger's last row lies behind it.
        seen: The milestone, and what it weighs before anyone's record is looked at.
    """
    milestone, weighed = seen
    contribution = {
        "kind": occasion.kind,
        "label": milestone.label,
        "weight": milestone.weight,
        "strength": weighed.word(),
        "confidence": weighed.confidence,
        "source_url": milestone.source_url,
        "expected_date": milestone.expected_date,
        "criterion": milestone.criterion,
    }
    values = {"milestone_id": milestone.id, "predictor_id": claim.predictor_id, "n_milestones": 1}
    return _make(state, occasion, now, Weight(weighed.llr, claim.record), values, contribution)


def _make(
    state: ClaimState,
    occasion: Occasion,
    now: datetime,
    weight: Weight,
    values: Mapping[str, Any],
    contribution: Mapping[str, Any] | None,
) -> LedgerEntry:
    said = {
        "id": new_id(),
        "evidence_kind": occasion.kind,
        "observed_at": occasion.observed_at,
        "submitted_by": occasion.by,
        "idempotency_key": occasion.idempotency_key,
        "note": occasion.note,
    }
    with _words_checked():
        return make_entry(state, weight, {**said, **values}, contribution, now=now)


@contextmanager
def _words_checked() -> Iterator[None]:
    """
    Turns validation errors into refusals: what does not validate within it came from the caller.

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
    A row with a caller's words in it.

    Raises:
        InvalidError: A value breaks a rule of its property; the path is the property's name.
    """
    with _words_checked():
        return kind(**values)


async def append_entries(
    unit: Unit, claim: StoredClaim, entries: Sequence[LedgerEntry], state: ClaimState, moment: datetime
) -> None:
    """Append a claim's new ledger rows and set what follows for the claim."""
    stored = {"id": state.claim_id, "properties": claim.stored(state, moment)}
    await append(unit, [entry.properties() for entry in entries], [stored])
