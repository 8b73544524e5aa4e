"""
A claim's state, derived from its ledger, and the belief at a moment, derived from the state.

The ledger is the source of truth. The graph also stores values derived from it: on each ledger row the inside log-odds
before and after it by this service's policy, on each claim the latest of them and the posterior as of the last write
or refresh. All of them are computed here and nowhere else, so they can be recomputed bit for bit.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from graph.database.sessions import Unit
from graph.inference.evidence import POLICY, BeliefPolicy, Cluster
from graph.inference.log_odds import logit
from graph.inference.posterior import (
    LedgerStep,
    OutsideView,
    blend_reason_text,
    inside_weight,
    ledger_step,
    posterior,
    probability_of,
)
from graph.inference.time import time_remaining_fraction, window_of
from graph.model.kinds import ClaimStatus
from graph.model.page_keys import AFTER_MARK, CHANGE_DAYS, belief_keys, change_keys, join, moment_text, uncomputed_keys
from graph.model.rows import Claim, Evidence, Prediction
from graph.model.subjects import subject_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

IMPORTED = "imported"
"""The policy of ledger rows whose weights another system computed."""

TICK = timedelta(microseconds=1)
Window = tuple[datetime, datetime]

# The properties of a claim's node that its state is read from; `base_rate` is a property of its reference class.
STATE_PROPERTIES = (
    "id",
    "stated_probability",
    "status",
    "resolved_at",
    "from_year",
    "window_start",
    "window_end",
    "domain_id",
    "predictor_id",
    "reference_class_id",
    "inside_log_odds",
    "num_evidence",
    "last_recorded_at",
)


@dataclass(frozen=True, slots=True)
class ClaimState:
    """
    Everything that a claim's belief depends on except the moment.

    Attributes:
        claim_id: The claim's id.
        subject: Prediction, Scenario or Killer.
        stated_probability: Strictly between 0 and 1; None where none was stated, in which case nothing is computed.
        status: The claim's status: open, or its outcome.
        resolved_at: The moment of the outcome, after which the belief no longer changes; None for an open claim.
        window: Start and deadline; None for a claim without a window.
        outside_view: The reference class and its base rate; None for a claim without one.
        inside_log_odds: Natural log-odds after the last ledger row; None where no probability was stated.
        num_evidence: The number of rows in the ledger.
        last_recorded_at: The moment at which the last of them was recorded; None for an empty ledger.
    """

    claim_id: str
    subject: str
    stated_probability: float | None
    status: ClaimStatus
    resolved_at: datetime | None
    window: Window | None
    outside_view: OutsideView | None
    inside_log_odds: float | None
    num_evidence: int
    last_recorded_at: datetime | None

    @classmethod
    def from_properties(cls, subject: str, properties: Mapping[str, Any], base_rate: float | None) -> "ClaimState":
        """
        Read the state of a stored claim.

        Args:
            subject: Prediction, Scenario or Killer.
            properties: `STATE_PROPERTIES` of the claim.
            base_rate: The base rate of its reference class; None without one.
        """
        stated = properties["stated_probability"]
        stored = properties["inside_log_odds"]
        return cls(
            claim_id=properties["id"],
            subject=subject,
            stated_probability=stated,
            status=ClaimStatus(properties["status"]),
            resolved_at=properties["resolved_at"],
            window=window_of(properties["from_year"], properties["window_start"], properties["window_end"]),
            outside_view=outside_view(properties["reference_class_id"], base_rate),
            inside_log_odds=logit(stated) if stored is None and stated is not None else stored,
            num_evidence=properties["num_evidence"] or 0,
            last_recorded_at=properties["last_recorded_at"],
        )

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "ClaimState":
        """Read the state of a claim from a statement's row of `claim` (its properties), `labels` and `base_rate`."""
        return cls.from_properties(subject_of(row["labels"]), row["claim"], row["base_rate"])

    @classmethod
    def from_claim(cls, claim: Claim, base_rate: float | None) -> "ClaimState":
        """Make the state of a claim before any evidence."""
        prediction = claim if isinstance(claim, Prediction) else None
        class_id = prediction.reference_class_id if prediction else None
        stated = claim.stated_probability
        return cls(
            claim_id=claim.id,
            subject=type(claim).__name__,
            stated_probability=stated,
            status=claim.status,
            resolved_at=claim.resolved_at,
            window=window_of(claim.from_year, claim.window_start, claim.window_end),
            outside_view=outside_view(class_id, base_rate),
            inside_log_odds=None if stated is None else logit(stated),
            num_evidence=0,
            last_recorded_at=None,
        )

    def after(self, rows: Sequence[Evidence], derived: Sequence["DerivedRow"]) -> "ClaimState":
        """Return the state after further ledger rows, given with their derived values in the ledger's order."""
        if not rows:
            return self
        return replace(
            self,
            inside_log_odds=derived[-1].inside_log_odds,
            num_evidence=self.num_evidence + len(rows),
            last_recorded_at=rows[-1].recorded_at,
        )

    def belief(self, moment: datetime, *, policy: BeliefPolicy = POLICY) -> "Belief | None":
        """Compute the belief as of a moment, with all evidence so far; None where no probability was stated."""
        if self.inside_log_odds is None:
            return None
        return belief_at(
            self.inside_log_odds,
            window=self.window,
            outside=self.outside_view,
            moment=self.capped_at_outcome(moment),
            policy=policy,
        )

    def capped_at_outcome(self, moment: datetime) -> datetime:
        """Return the moment, or that of the claim's outcome where it is earlier."""
        return moment if self.resolved_at is None else min(moment, self.resolved_at)

    def next_moment(self, now: datetime) -> datetime:
        """Return the moment of recording of the next ledger row: now, but always after the last row."""
        return now if self.last_recorded_at is None else max(now, self.last_recorded_at + TICK)

    def stored(self, moment: datetime) -> dict[str, Any]:
        """Return the derived properties that the claim's node stores, the posterior as of a moment."""
        belief = self.belief(moment)
        probability = None if belief is None else belief.probability
        return {
            "inside_log_odds": self.inside_log_odds,
            "num_evidence": self.num_evidence,
            "last_recorded_at": self.last_recorded_at,
            "posterior": probability,
            "posterior_as_of": None if belief is None else moment,
            **belief_keys(self.claim_id, probability, self.num_evidence, self.last_recorded_at),
        }

    def stored_past(
        self, rows: Sequence[Evidence], derived: Sequence["DerivedRow"], moment: datetime
    ) -> dict[str, Any]:
        """
        Return the posteriors that the claim's node stores of the past, each by the evidence recorded by then.

        Args:
            rows: The whole ledger, in its order; this is the state before it.
            derived: The rows' derived values.
            moment: The moment that the days are counted back from.
        """
        past: dict[str, Any] = {}
        for days in CHANGE_DAYS:
            then = moment - timedelta(days=days)
            num_rows = bisect_right(rows, then, key=lambda row: row.recorded_at)
            belief = self.after(rows[:num_rows], derived[:num_rows]).belief(then)
            past[past_name(days)] = None if belief is None else belief.probability
        return past


def past_name(days: int) -> str:
    """Return the name of the property with the posterior of some days before."""
    return f"posterior_{days}_days_ago"


async def list_past_log_odds(unit: Unit, asked: Sequence[tuple[str, datetime]]) -> list[float | None]:
    """Return the inside log-odds of claims by the evidence that had been recorded by a moment, None before any."""
    claims = [
        {"id": claim_id, "low": join(claim_id, ""), "high": join(claim_id, moment_text(then)) + AFTER_MARK}
        for claim_id, then in asked
    ]
    return [row["log_odds"] for row in await unit.run("ledger/list_past_log_odds", claims=claims)]


def computed_keys(claim_id: str, stored: Mapping[str, Any]) -> dict[str, str]:
    """
    Return the page keys of a new claim that the database computes for others, from what its node stores.

    `ledger/append` and the other statements that change one of the values compute them in the same way.
    """
    now = stored["posterior"]
    pasts = {days: stored[past_name(days)] for days in CHANGE_DAYS}
    changes = {days: None if past is None or now is None else now - past for days, past in pasts.items()}
    return uncomputed_keys(claim_id) | change_keys(claim_id, changes)


@dataclass(frozen=True, slots=True)
class Belief:
    """
    A belief and its components.

    Attributes:
        probability: The posterior.
        as_of: The moment that it holds for; for a resolved or annulled claim, at most that of the outcome.
        inside_log_odds: The inside view in natural log-odds: those of the stated probability plus all evidence.
        inside_probability: The same as a probability.
        base_rate: The outside view; None without a reference class.
        reference_class_id: The id of the reference class.
        trf: The time-remaining fraction, in [0, 1]; None without a window.
        inside_weight: The weight of the inside view in the blend; 1 where there is no blend.
        outside_weight: 1 minus `inside_weight`.
        blend_applied: Whether inside and outside view were blended.
        blend_reason: The weights and their origin in words, or the reason why there is no blend.
        policy: The name of the policy that it was computed by.
    """

    probability: float
    as_of: datetime
    inside_log_odds: float
    inside_probability: float
    base_rate: float | None
    reference_class_id: str | None
    trf: float | None
    inside_weight: float
    outside_weight: float
    blend_applied: bool
    blend_reason: str
    policy: str


@dataclass(frozen=True, slots=True)
class DerivedRow:
    """
    The values derived from a ledger and stored with one of its rows; logarithms are natural.

    Attributes:
        prior_inside_log_odds: The claim's inside log-odds before the row, by this service's policy; None where no
            probability was stated.
        inside_log_odds: The claim's inside log-odds after the row.
        total_llr: The log-likelihood ratio that the row adds, before any kappa.
        total_adjusted_llr: The log-likelihood ratio that the row adds by this service's policy.
        cluster: The state of the row's cluster, the row included; None for a row without a cluster.
    """

    prior_inside_log_odds: float | None
    inside_log_odds: float | None
    total_llr: float
    total_adjusted_llr: float
    cluster: Cluster | None

    def properties(self) -> dict[str, Any]:
        """Return the properties that the row's node stores."""
        return {
            "prior_inside_log_odds": self.prior_inside_log_odds,
            "inside_log_odds": self.inside_log_odds,
            "cluster_size": None if self.cluster is None else self.cluster.num_items,
            "cluster_llr_sum": None if self.cluster is None else self.cluster.llr_sum,
            "cluster_adjusted_llr_sum": None if self.cluster is None else self.cluster.adjusted_llr_sum,
        }


def as_mapping(figures: "DataclassInstance") -> dict[str, Any]:
    """Return a dataclass's values by name, not copied: copying is most of what `asdict` costs."""
    return {name.name: getattr(figures, name.name) for name in fields(figures)}


def outside_view(reference_class_id: str | None, base_rate: float | None) -> OutsideView | None:
    """Make the outside view; None where the reference class or its base rate is unknown."""
    if reference_class_id is None or base_rate is None:
        return None
    return OutsideView(base_rate, reference_class_id)


def trf_at(window: Window | None, moment: datetime) -> float | None:
    """Compute the time-remaining fraction at a moment; None without a window."""
    return None if window is None else time_remaining_fraction(*window, moment)


def belief_at(
    inside_log_odds: float,
    *,
    window: Window | None,
    outside: OutsideView | None,
    moment: datetime,
    policy: BeliefPolicy = POLICY,
) -> Belief:
    """
    Compute the belief that follows from inside log-odds at a moment.

    Args:
        inside_log_odds: Natural log-odds of the stated probability plus all evidence, finite.
        window: Start and deadline; None without a window.
        outside: The outside view; None without a reference class.
        moment: The moment that the belief holds for.
        policy: The weight of the outside view.
    """
    trf = trf_at(window, moment)
    base_rate = None if outside is None else outside.base_rate
    is_blended = base_rate is not None and trf is not None
    weight = inside_weight(trf, policy=policy) if is_blended and trf is not None else 1.0
    return Belief(
        probability=posterior(inside_log_odds, base_rate=base_rate, trf=trf, policy=policy),
        as_of=moment,
        inside_log_odds=inside_log_odds,
        inside_probability=probability_of(inside_log_odds),
        base_rate=base_rate,
        reference_class_id=None if outside is None else outside.reference_class_id,
        trf=trf,
        inside_weight=weight,
        outside_weight=1.0 - weight,
        blend_applied=is_blended,
        blend_reason=blend_reason_text(trf, outside, policy=policy),
        policy=policy.name,
    )


def applied_llr(row: Evidence, *, policy: BeliefPolicy = POLICY) -> float:
    """
    Return the log-likelihood ratio that a ledger row adds: its adjusted one, for an imported row too.

    A row without an adjusted ratio is weighted by its own kappa, else by the policy's for a predictor without a record,
    or for evidence without a predictor.
    """
    if row.total_adjusted_llr is not None:
        return row.total_adjusted_llr
    return kappa_in_force(row.kappa, row.predictor_id, policy=policy) * row.total_llr


def kappa_in_force(kappa: float | None, predictor_id: str | None, *, policy: BeliefPolicy = POLICY) -> float:
    """Return a ledger row's kappa: its own, else the policy's, which depends on whether the row has a predictor."""
    if kappa is not None:
        return kappa
    return policy.kappa_without_predictor if predictor_id is None else policy.kappa_prior


def ledger_order(row: Evidence) -> tuple[datetime, str]:
    """Return the sort key of a claim's ledger: the moment of recording, then the id."""
    return row.recorded_at, row.id


def item_llrs(row: Evidence) -> tuple[float, float]:
    """Sum the log-likelihood ratios of a row's items, before any cluster discounts them: plain, and times kappa."""
    if any(item.adjusted_llr is None for item in row.contributions) or not row.contributions:
        return row.total_llr, applied_llr(row)
    return (
        sum(item.llr for item in row.contributions),
        sum(item.adjusted_llr for item in row.contributions if item.adjusted_llr is not None),
    )


def derive_rows(
    rows: Sequence[Evidence],
    *,
    inside_log_odds: float | None,
    clusters: Mapping[str, Cluster] | None = None,
    policy: BeliefPolicy = POLICY,
) -> list[DerivedRow]:
    """
    Derive the values stored with each of a claim's ledger rows.

    Args:
        rows: The claim's rows, in the ledger's order.
        inside_log_odds: The claim's inside log-odds before the first row; None where no probability was stated.
        clusters: The state of each cluster before the first row, by id.
        policy: The policy whose rows add what their items sum to; rows of other policies add what they state.
    """
    known = dict(clusters or {})
    derived = []
    current = inside_log_odds
    for row in rows:
        cluster = None
        llr, adjusted = item_llrs(row)
        if row.cluster_id is not None:
            before = known.get(row.cluster_id, Cluster())
            cluster = known[row.cluster_id] = before.joined_by(llr, adjusted)
            llr, adjusted = cluster.llr - before.llr, cluster.adjusted_llr - before.adjusted_llr
        if row.policy != policy.name:
            llr, adjusted = row.total_llr, applied_llr(row, policy=policy)
        after = None if current is None else current + adjusted
        derived.append(DerivedRow(current, after, llr, adjusted, cluster))
        current = after
    return derived


OWN_STEP_PROPERTIES = (
    "prior_inside_log_odds",
    "inside_log_odds",
    "total_llr",
    "total_adjusted_llr",
    "kappa",
    "predictor_id",
    "trf",
    "base_rate",
    "reference_class_id",
)


def own_step(properties: Mapping[str, Any]) -> LedgerStep | None:
    """
    Compute the step of a stored ledger row by this service's policy.

    For a row of this policy that is exactly the step that the row states; for an imported row it follows from the
    derived values stored with it.

    Args:
        properties: `OWN_STEP_PROPERTIES` of the row.

    Returns:
        The step; None where the claim has no stated probability, so that there are no log-odds to add to.
    """
    prior = properties["prior_inside_log_odds"]
    if prior is None:
        return None
    kappa = kappa_in_force(properties["kappa"], properties["predictor_id"])
    adjusted = properties["total_adjusted_llr"]
    return ledger_step(
        prior_logit=prior,
        total_llr=properties["total_llr"],
        total_adjusted_llr=kappa * properties["total_llr"] if adjusted is None else adjusted,
        kappa=kappa,
        trf=properties["trf"],
        outside_view=outside_view(properties["reference_class_id"], properties["base_rate"]),
    )
