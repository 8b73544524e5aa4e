"""
Ledger rows that the service makes of itself: what became of a claim, and what its milestones say of it.

Each is made for a claim whose lock the transaction holds, so that the state it is added to is the last one.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from graph.beliefs import STATE_PROPERTIES, ClaimState, derive_rows, trf_at
from graph.errors import FutureObservationError, InvalidError, NotFoundError
from graph.inference.calibration import KappaInUse
from graph.inference.evidence import POLICY, WeighedEvidence, adjusted_llr
from graph.inference.posterior import LedgerStep, ledger_step
from graph.intake import CLOCK_SKEW, INSIDE_SOURCE, belief_payload, row_properties
from graph.keys import prediction_keys
from graph.model import Contribution, Evidence, Milestone, Prediction, Row, describe_problem
from graph.receipts import Payload
from graph.records import kappa_of
from graph.relations import subject_of
from graph.rows import from_properties
from graph.sessions import Unit

STATED = "stated"
# What a caller calls the fields that its words go into.
ARGUMENTS: Mapping[str, str] = {
    "submitted_by": "by",
    "notes": "note",
    "resolved_at": "resolvedAt",
    "observed_at": "observedOn",
    "observed_date": "observedOn",
    "idempotency_key": "idempotencyKey",
}

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


@dataclass(frozen=True, slots=True)
class Taken:
    """
    A step that was taken.

    Attributes:
        state: The claim's after it.
        row: The ledger's row as its node keeps it.
        evidence_id: The row's id.
        step: What it did, figure by figure; None where nothing was stated.
    """

    state: ClaimState
    row: Mapping[str, Any]
    evidence_id: str
    step: LedgerStep | None

    def payload(self, before: ClaimState, after: ClaimState, moment: datetime) -> Payload:
        """The step as an answer holds it, with the belief in two states at one moment."""
        return {
            "evidence_id": self.evidence_id,
            "claim_id": self.state.claim_id,
            "step": None if self.step is None else asdict(self.step),
            "before": belief_payload(before.belief(moment)),
            "after": belief_payload(after.belief(moment)),
        }


async def get_claim(unit: Unit, claim_id: str, *, path: str = "claim") -> StoredClaim:
    """
    A claim as it stands.

    Raises:
        NotFoundError: No claim has that id.
    """
    rows = await unit.run("claims/get_whole", id=claim_id)
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
        state=ClaimState.from_properties(subject, properties, found["base_rate"]),
        predictor_id=None if predictor is None else predictor["id"],
        record=None if predictor is None else kappa_of(predictor),
    )


def take_outcome_step(state: ClaimState, occasion: Occasion, now: datetime) -> Taken:
    """A ledger row that weighs nothing, and says what became of a claim."""
    return _take(state, occasion, now, {}, weight=None, contribution=None)


def take_milestone_step(
    claim: StoredClaim, state: ClaimState, occasion: Occasion, now: datetime, seen: tuple[Milestone, WeighedEvidence]
) -> Taken:
    """
    A ledger row for what a milestone says of its prediction.

    Args:
        claim: The prediction, whose predictor's record weighs it.
        state: The prediction's state before, with a stated probability.
        occasion: Who says so, when and why.
        now: The moment of recording, unless the ledger's last row lies behind it.
        seen: The milestone, and what it weighs before anyone's record is looked at.
    """
    milestone, weight = seen
    record = claim.record
    kappa = POLICY.kappa_without_predictor if record is None else record.kappa
    contribution = Contribution(
        llr=weight.llr,
        kind=occasion.kind,
        kappa=kappa,
        label=milestone.label,
        weight=milestone.weight,
        strength=None if weight.strength is None else weight.strength.lower(),
        confidence=weight.confidence,
        source_url=milestone.source_url,
        adjusted_llr=adjusted_llr(weight.llr, kappa),
        expected_date=milestone.expected_date,
        criterion=milestone.criterion,
    )
    values = {
        "milestone_id": milestone.id,
        "predictor_id": claim.predictor_id,
        "kappa_source": None if record is None else record.source,
        "predictor_brier": None if record is None else record.brier,
        "predictor_n_resolved": None if record is None else record.num_resolved,
        "n_milestones": 1,
    }
    return _take(state, occasion, now, values, weight=(weight.llr, kappa), contribution=contribution)


def _take(
    state: ClaimState,
    occasion: Occasion,
    now: datetime,
    values: Mapping[str, Any],
    *,
    weight: tuple[float, float] | None,
    contribution: Contribution | None,
) -> Taken:
    llr, kappa = (0.0, POLICY.kappa_without_predictor) if weight is None else weight
    recorded_at = state.next_moment(now)
    step = None
    figures: dict[str, Any] = {"policy": POLICY.name, "kappa": kappa, "total_llr": llr, "total_adjusted_llr": 0.0}
    if state.inside_log_odds is not None:
        step = ledger_step(
            prior_logit=state.inside_log_odds,
            total_llr=llr,
            total_adjusted_llr=adjusted_llr(llr, kappa),
            kappa=kappa,
            trf=trf_at(state.window, recorded_at),
            outside_view=state.outside_view,
        )
        figures = asdict(step)
        figures["inside_source"] = INSIDE_SOURCE if state.num_evidence else STATED
    row = validated(
        Evidence,
        {
            "id": f"E_{uuid.uuid4().hex}",
            "claim_id": state.claim_id,
            "evidence_kind": occasion.kind,
            "observed_at": occasion.observed_at,
            "recorded_at": recorded_at,
            "submitted_by": occasion.by,
            "idempotency_key": occasion.idempotency_key,
            "note": occasion.note,
            **values,
            **figures,
            "contributions": () if contribution is None else (contribution,),
        },
    )
    (derived,) = derive_rows([row], inside_log_odds=state.inside_log_odds)
    return Taken(state.after([row], [derived]), row_properties(row, derived), row.id, step)


def validated(kind: type[RowT], values: Mapping[str, Any]) -> RowT:
    """
    A row with a caller's words in it.

    Raises:
        InvalidError: They cannot stand there; the path is the argument's name.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        problem = describe_problem(error.errors(include_url=False)[0])
        raise InvalidError(problem.message, path=ARGUMENTS.get(problem.path, problem.path)) from error


async def append_steps(
    unit: Unit, claim: StoredClaim, taken: Sequence[Taken], state: ClaimState, moment: datetime
) -> None:
    """Append a claim's new ledger rows and set what follows for the claim."""
    await unit.run(
        "evidence/append",
        rows=[step.row for step in taken],
        claims=[{"id": state.claim_id, "properties": claim.stored(state, moment)}],
    )


def check_past(moment: datetime, now: datetime, *, path: str) -> None:
    """
    That a moment has come.

    Raises:
        FutureObservationError: It has not.
    """
    if moment > now + CLOCK_SKEW:
        message = f"expected a moment that has come, got {moment.isoformat()}, and now it is {now.isoformat()}"
        raise FutureObservationError(message, path=path)


def check_past_day(day: date, now: datetime, *, path: str) -> None:
    """
    That a day has begun, in UTC.

    Raises:
        FutureObservationError: It has not.
    """
    if day > now.date():
        message = f"expected a day that has come, got {day.isoformat()}, and today is {now.date().isoformat()} in UTC"
        raise FutureObservationError(message, path=path)
