"""
Ledger rows as they come to be: checked against their claim, computed, and appended.

Whoever records holds the claim's lock, so that the state a row is added to is the one that the last row left.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from graph.database.sessions import Unit
from graph.errors import ClosedClaimError, ConflictError, FutureObservationError
from graph.inference.calibration import KappaInUse
from graph.inference.evidence import POLICY, Cluster, adjusted_llr
from graph.inference.posterior import LedgerStep, ledger_step
from graph.ledger.claim_state import Belief, ClaimState, DerivedRow, as_mapping, derive_rows, trf_at
from graph.model.kinds import ClaimStatus
from graph.model.page_keys import evidence_keys
from graph.model.properties import to_properties
from graph.model.rows import Contribution, Evidence

CLOCK_SKEW = timedelta(seconds=5)  # by which a client's clock may be ahead of ours
STATED, LEDGER = "stated", "ledger"
SOURCES = ("predictor_id", "document_id", "milestone_id")


@dataclass(frozen=True, slots=True)
class Weight:
    """
    What a ledger row weighs.

    Attributes:
        llr: In natural log-odds, before anyone's record is looked at.
        record: Whose record weighs it; None where no predictor stands for it.
    """

    llr: float
    record: KappaInUse | None = None

    @property
    def kappa(self) -> float:
        """The share of it that counts."""
        return POLICY.kappa_without_predictor if self.record is None else self.record.kappa

    @property
    def adjusted_llr(self) -> float:
        """What counts of it."""
        return adjusted_llr(self.llr, self.kappa)

    def origin(self) -> dict[str, Any]:
        """Where its kappa is from, as a ledger row says it."""
        record = self.record
        return {
            "kappa_source": None if record is None else record.source,
            "predictor_brier": None if record is None else record.brier,
            "predictor_n_resolved": None if record is None else record.num_resolved,
        }


NOTHING = Weight(0.0)
"""What a row weighs that only says what became of its claim."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """
    A ledger row that was made.

    Attributes:
        row: The row.
        derived: What stands beside it.
        before: The claim's state before it.
        after: And after it.
        step: What it did, figure by figure; None where nothing was stated.
    """

    row: Evidence
    derived: DerivedRow
    before: ClaimState
    after: ClaimState
    step: LedgerStep | None

    def properties(self) -> dict[str, Any]:
        """The row as its node keeps it, with its page keys and all that stands beside it."""
        return to_properties(self.row) | evidence_keys(self.row) | self.derived.properties()

    def payload(self, moment: datetime, *, after: ClaimState | None = None) -> dict[str, Any]:
        """The row as an answer holds it, with the belief before and after it at a moment; `after`: in another state."""
        return {
            "evidence_id": self.row.id,
            "claim_id": self.row.claim_id,
            "step": None if self.step is None else as_mapping(self.step),
            "before": belief_payload(self.before.belief(moment)),
            "after": belief_payload((after or self.after).belief(moment)),
        }


def make_entry(
    state: ClaimState,
    weight: Weight,
    values: Mapping[str, Any],
    contribution: Mapping[str, Any] | None,
    *,
    now: datetime,
    cluster: Cluster | None = None,
) -> LedgerEntry:
    """
    Make a claim's next ledger row.

    Args:
        state: The claim's, as the last row left it.
        weight: What the row weighs by itself.
        values: All that the row says but for its figures, its `id` included.
        contribution: What the row's one item says but for its figures; None where it has none.
        now: The moment of recording, unless the ledger's last row lies behind it.
        cluster: What the row's cluster holds before it; None where the row is of none.

    Raises:
        ValidationError: The words in it cannot stand there.
    """
    recorded_at, adjusted = state.next_moment(now), weight.adjusted_llr
    alone = Cluster() if cluster is None else cluster
    # What it adds to its cluster's mean; alone in its cluster, or in none, that is all of it.
    joined = alone.joined_by(weight.llr, adjusted)
    step = None
    figures: dict[str, Any] = {
        "policy": POLICY.name,
        "kappa": weight.kappa,
        "total_llr": weight.llr,
        "total_adjusted_llr": adjusted,
    }
    if state.inside_log_odds is not None:
        step = ledger_step(
            prior_logit=state.inside_log_odds,
            total_llr=joined.llr - alone.llr,
            total_adjusted_llr=joined.adjusted_llr - alone.adjusted_llr,
            kappa=weight.kappa,
            trf=trf_at(state.window, recorded_at),
            outside_view=state.outside_view,
        )
        figures = as_mapping(step) | {"inside_source": LEDGER if state.num_evidence else STATED}
    own = {"claim_id": state.claim_id, "recorded_at": recorded_at}
    row = Evidence(**{**own, **values, **weight.origin(), **figures})
    if contribution is not None:
        item = Contribution(**contribution, llr=weight.llr, kappa=weight.kappa, adjusted_llr=adjusted)
        row = row.model_copy(update={"contributions": (item,)})
    known = {} if row.cluster_id is None else {row.cluster_id: alone}
    (derived,) = derive_rows([row], inside_log_odds=state.inside_log_odds, clusters=known)
    return LedgerEntry(row, derived, state, state.after([row], [derived]), step)


def new_id() -> str:
    """An id for a ledger row, which nothing else has."""
    return f"E_{uuid.uuid4().hex}"


def belief_payload(belief: Belief | None) -> dict[str, Any] | None:
    """A belief as an answer holds it."""
    return None if belief is None else {**as_mapping(belief), "as_of": belief.as_of.isoformat()}


async def append(unit: Unit, rows: Sequence[Mapping[str, Any]], claims: Sequence[Mapping[str, Any]]) -> None:
    """
    Append ledger rows, and set what follows for their claims.

    Args:
        unit: A transaction that holds the claims' locks.
        rows: As `LedgerEntry.properties` gives them.
        claims: Of each its `id` and what its node keeps from now on, `properties`.

    Raises:
        ConflictError: A source that was there when it was looked at has been deleted since.
    """
    (answer,) = await unit.run("ledger/append", rows=rows, claims=claims)
    if answer["num_sources"] != sum(row[name] is not None for row in rows for name in SOURCES):
        message = "a predictor, document or milestone that the evidence names was deleted meanwhile; submit it without"
        raise ConflictError(message)


def check_open(claim: Mapping[str, Any], *, path: str) -> None:
    """
    That a claim's outcome is not settled.

    Raises:
        ClosedClaimError: It is.
    """
    if claim["status"] == ClaimStatus.OPEN:
        return
    word = "annulled" if claim["status"] == ClaimStatus.ANNULLED else "resolved"
    message = (
        f"expected a claim that is open, got {claim['id']!r}, which was {word} at "
        f"{claim['resolved_at'].isoformat()} ({claim['status']}); `unresolve` it first if that was wrong"
    )
    raise ClosedClaimError(message, status=claim["status"], resolved_at=claim["resolved_at"], path=path)


def check_past(moment: datetime, now: datetime, *, path: str, advice: str = "") -> None:
    """
    That a moment has come.

    Raises:
        FutureObservationError: It has not; the message ends in the advice.
    """
    if moment > now + CLOCK_SKEW:
        message = f"expected a moment that has come, got {moment.isoformat()}, and now it is {now.isoformat()}{advice}"
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
