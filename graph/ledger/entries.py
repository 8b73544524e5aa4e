"""
Ledger entries: checked against their claim, computed, and appended.

The caller's transaction holds the claim's lock, so the state that an entry is added to is the one after the last row.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from graph.database.sessions import Unit
from graph.errors import ClosedClaimError, ConflictError, FutureObservationError, InvalidError
from graph.inference.calibration import KappaInUse
from graph.inference.evidence import POLICY, Cluster, adjusted_llr
from graph.inference.policies import POLICIES
from graph.inference.posterior import LedgerStep, ledger_step, probability_of
from graph.ledger.claim_state import (
    CHECK_IN_MISSED,
    Belief,
    ClaimState,
    DerivedRow,
    Ground,
    as_mapping,
    calibrated_reason,
    derive_rows,
)
from graph.model.kinds import ClaimStatus
from graph.model.moments import A_MOMENT, is_day, latest_day
from graph.model.page_keys import evidence_keys
from graph.model.properties import to_properties
from graph.model.rows import Contribution, Evidence
from graph.model.search_texts import search_keys

CLOCK_SKEW = timedelta(seconds=5)  # the most that a client's clock may be ahead of the service's
STATED, LEDGER = "stated", "ledger"
COUNTED_AS_SILENCE = "no blend: the missed check-in is counted as silence"
SOURCES = ("predictor_id", "document_id", "milestone_id")


@dataclass(frozen=True, slots=True)
class Weight:
    """
    The weight of a ledger row.

    Attributes:
        llr: Natural log-likelihood ratio, before kappa.
        record: The record of the evidence's predictor; None without a predictor.
        given_adjusted_llr: The ratio times kappa, where it does not follow from the others; None where it does.
        silent_id: Where the row retracts one for a missed check-in, the id of that one; None for all others.
        own_kappa: Kappa of a row without a record; None for that of the claim's policy.
        key_kappa: Factor of kappa by the key with which the evidence was added.
    """

    llr: float
    record: KappaInUse | None = None
    given_adjusted_llr: float | None = None
    silent_id: str | None = None
    own_kappa: float | None = None
    key_kappa: float = 1.0

    @property
    def kappa(self) -> float:
        """The factor by which the predictor's record and the key multiply the ratio."""
        if self.record is not None:
            kappa = self.record.kappa
        else:
            kappa = POLICY.kappa_without_predictor if self.own_kappa is None else self.own_kappa
        return kappa if self.key_kappa == 1.0 else round(kappa * self.key_kappa, POLICY.kappa_digits)

    def under(self, policy: str) -> "Weight":
        """Return the weight with the kappa that a policy gives evidence without a predictor, where it has none."""
        if self.own_kappa is not None:
            return self
        return replace(self, own_kappa=POLICIES[policy].evidence_kappa(None))

    @property
    def adjusted_llr(self) -> float:
        """The natural log-likelihood ratio times kappa."""
        if self.given_adjusted_llr is not None:
            return self.given_adjusted_llr
        return adjusted_llr(self.llr, self.kappa)

    def origin(self) -> dict[str, Any]:
        """Return the origin of kappa, as properties of a ledger row."""
        record = self.record
        return {
            "kappa_source": None if record is None else record.source,
            "predictor_brier": None if record is None else record.brier,
            "predictor_n_resolved": None if record is None else record.num_resolved,
        }


NO_WEIGHT = Weight(0.0)
"""The weight of a row that records an outcome of its claim and is no evidence."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """
    A new ledger row with everything that follows from it.

    Attributes:
        row: The row.
        derived: The derived values stored with it.
        before: The claim's state before the row.
        after: The claim's state after the row.
        step: The change of the belief, figure by figure; None where no probability was stated.
    """

    row: Evidence
    derived: DerivedRow
    before: ClaimState
    after: ClaimState
    step: LedgerStep | None

    def properties(self) -> dict[str, Any]:
        """Return the properties of the row's node, all that is computed from it included."""
        row = self.row
        return to_properties(row) | evidence_keys(row) | search_keys(row) | self.derived.properties()

    def payload(self, moment: datetime, *, after: ClaimState | None = None) -> dict[str, Any]:
        """
        Return the row as an answer holds it, with the beliefs before and after it.

        Args:
            moment: The moment of both beliefs.
            after: The state to take the second belief from; the one after the row when absent.
        """
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
        state: The claim's state after the last row.
        weight: The row's weight, before any cluster discounts it.
        values: The row's properties except its figures, `id` included.
        contribution: The properties of the row's one item except its figures; None for a row without items.
        now: The moment of recording, unless the ledger's last row is later.
        cluster: The state of the row's cluster before it; None for a row without a cluster.

    Raises:
        ValidationError: A value breaks a rule of its property.
    """
    is_silent = state.rules.is_calibrated and values.get("evidence_kind") == CHECK_IN_MISSED
    # The kappa of a missed check-in is what it would weigh with under foregraph-1.
    weight = replace(weight, llr=0.0) if is_silent else weight.under(state.rules.policy)
    recorded_at, adjusted = state.next_moment(now), weight.adjusted_llr
    alone = Cluster() if cluster is None else cluster
    # The row adds the change of its cluster's mean; alone in its cluster, or without one, that is its whole weight.
    joined = (alone.joined_by if values.get("retracts_id") is None else alone.left_by)(weight.llr, adjusted)
    step = None
    figures: dict[str, Any] = {
        "policy": state.rules.policy,
        "kappa": weight.kappa,
        "total_llr": weight.llr,
        "total_adjusted_llr": adjusted,
    }
    ground = state.ground()
    if ground is not None:
        step = _step(
            ground, (joined.llr - alone.llr, joined.adjusted_llr - alone.adjusted_llr), weight.kappa, recorded_at
        )
        if is_silent:
            step = replace(step, blend_reason=COUNTED_AS_SILENCE)
        figures = as_mapping(step) | {"inside_source": LEDGER if state.num_evidence else STATED}
    own = {"claim_id": state.claim_id, "recorded_at": recorded_at}
    row = Evidence(**{**own, **values, **weight.origin(), **figures})
    if contribution is not None:
        item = Contribution(**contribution, llr=weight.llr, kappa=weight.kappa, adjusted_llr=adjusted)
        row = row.model_copy(update={"contributions": (item,)})
    known = {} if row.cluster_id is None else {row.cluster_id: alone}
    silent_ids = () if weight.silent_id is None else (weight.silent_id,)
    (derived,) = derive_rows(
        [row],
        inside_log_odds=state.inside_log_odds,
        clusters=known,
        check_ins=state.check_ins,
        silent_ids=silent_ids,
    )
    return LedgerEntry(row, derived, state, state.after([row], [derived]), step)


def _step(ground: Ground, llrs: tuple[float, float], kappa: float, at: datetime) -> LedgerStep:
    """
    Compute the step of a row under its claim's policy.

    Args:
        ground: What the belief follows from before the row.
        llrs: What the row adds, before and after kappa.
        kappa: Of the row.
        at: The moment of recording.
    """
    view = ground.final_view(at)
    is_calibrated = ground.rules.is_calibrated
    step = ledger_step(
        prior_logit=view.log_odds,
        total_llr=llrs[0],
        total_adjusted_llr=llrs[1],
        kappa=kappa,
        trf=view.trf,
        outside_view=None if is_calibrated else view.outside_view,
    )
    if not is_calibrated:
        return step
    outside = view.outside_view
    return replace(
        step,
        policy=view.policy,
        base_rate=None if outside is None else outside.base_rate,
        reference_class_id=None if outside is None else outside.reference_class_id,
        posterior_prob=probability_of(step.posterior_logit + view.silence),
        blend_reason=calibrated_reason(view.silence),
    )


def new_id() -> str:
    """Make a fresh id for a ledger row."""
    return f"E_{uuid.uuid4().hex}"


def belief_payload(belief: Belief | None) -> dict[str, Any] | None:
    """Return a belief as an answer holds it."""
    return None if belief is None else {**as_mapping(belief), "as_of": belief.as_of.isoformat()}


async def append(unit: Unit, rows: Sequence[Mapping[str, Any]], claims: Sequence[Mapping[str, Any]]) -> None:
    """
    Append ledger rows, and set the derived properties of their claims.

    Args:
        unit: A transaction that holds the claims' locks.
        rows: The rows, as `LedgerEntry.properties` returns them.
        claims: The `id` of each claim, and the `properties` to set on its node.

    Raises:
        ConflictError: A predictor, document or milestone has been deleted since it was read.
    """
    (answer,) = await unit.run("ledger/append", rows=rows, claims=claims)
    if answer["num_sources"] != sum(row[name] is not None for row in rows for name in SOURCES):
        message = "a predictor, document or milestone of the evidence was deleted meanwhile; submit it without that one"
        raise ConflictError(message)


def check_open(claim: Mapping[str, Any], *, path: str) -> None:
    """
    Raise ClosedClaimError unless the claim is open.

    Args:
        claim: The claim's `id`, `status` and `resolved_at`.
        path: The property of the input that names the claim.

    Raises:
        ClosedClaimError: The claim is resolved or annulled.
    """
    if claim["status"] == ClaimStatus.OPEN:
        return
    verb = "annulled" if claim["status"] == ClaimStatus.ANNULLED else "resolved"
    message = (
        f"claim {claim['id']!r} was {verb} at {claim['resolved_at'].isoformat()} ({claim['status']}); `reopenClaim` it "
        "first if the outcome was wrong"
    )
    raise ClosedClaimError(message, status=claim["status"], resolved_at=claim["resolved_at"], path=path)


def check_past(moment: datetime, now: datetime, *, path: str, advice: str = "") -> None:
    """
    Raise FutureObservationError if a moment lies in the future.

    Args:
        moment: The moment to check; `CLOCK_SKEW` ahead is allowed.
        now: The current moment.
        path: The property of the input that holds the moment.
        advice: The end of the message, which says what to do instead.

    Raises:
        FutureObservationError: The moment is later than now.
        InvalidError: It was given as a day.
    """
    if is_day(moment):
        raise InvalidError(f"expected {A_MOMENT}, got {moment.date().isoformat()}, a day", path=path)
    if moment > now + CLOCK_SKEW:
        message = f"the moment {moment.isoformat()} lies in the future; it is now {now.isoformat()}{advice}"
        raise FutureObservationError(message, path=path)


def check_past_day(day: date, now: datetime, *, path: str) -> None:
    """
    Raise FutureObservationError if a day has not begun anywhere on earth.

    Args:
        day: The day to check.
        now: The current moment.
        path: The property of the input that holds the day.

    Raises:
        FutureObservationError: The day has not begun.
    """
    latest = latest_day(now)
    if day > latest:
        message = (
            f"the day {day.isoformat()} lies in the future everywhere on earth; the latest that has begun anywhere is "
            f"{latest.isoformat()}"
        )
        raise FutureObservationError(message, path=path)
