"""
Beliefs as the graph keeps them: what a claim's ledger comes to, and what is read from it at a moment.

The ledger is the truth. Beside it the graph keeps what follows from it: on each ledger row the inside log-odds before
and after it by our own policy, on each claim the last of them and the posterior as of the last write or refresh. All
of that is made here and nowhere else, so it can be made again, bit for bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

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
from graph.model.page_keys import Anchors, probability_keys
from graph.model.rows import Claim, Evidence, Prediction
from graph.model.subjects import subject_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

IMPORTED = "imported"
"""The policy of ledger rows that another system weighed."""

TICK = timedelta(microseconds=1)
Window = tuple[datetime, datetime]

# What a claim's belief is read from; `base_rate` stands on its class.
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
    All that a claim's belief depends on, but for the moment.

    Attributes:
        claim_id: The claim's id.
        subject: Prediction, Scenario or Killer.
        stated_probability: Strictly between 0 and 1; None: it takes no part in anything computed.
        status: Whether its outcome is known.
        resolved_at: Since when; the belief stands still from then on.
        window: Start and deadline; None without.
        outside_view: None without a reference class.
        inside_log_odds: After its last ledger row; None where nothing was stated.
        num_evidence: Rows in its ledger.
        last_recorded_at: When the last of them was recorded.
        anchors: What lists of predictions are filtered by.
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
    anchors: Anchors

    @classmethod
    def from_properties(cls, subject: str, properties: Mapping[str, Any], base_rate: float | None) -> "ClaimState":
        """
        The state of a stored claim.

        Args:
            subject: Prediction, Scenario or Killer.
            properties: `STATE_PROPERTIES` of the claim.
            base_rate: Of its reference class; None without one.
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
            anchors=Anchors(
                properties["status"],
                properties["domain_id"],
                properties["predictor_id"],
                properties["reference_class_id"],
            ),
        )

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "ClaimState":
        """The state of a claim as statements give it: its properties as `claim`, its `labels`, and the `base_rate`."""
        return cls.from_properties(subject_of(row["labels"]), row["claim"], row["base_rate"])

    @classmethod
    def from_claim(cls, claim: Claim, base_rate: float | None) -> "ClaimState":
        """The state of a claim before any evidence."""
        prediction = claim if isinstance(claim, Prediction) else None
        predictor_id = prediction.predictor_id if prediction else None
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
            anchors=Anchors(claim.status.value, claim.domain_id, predictor_id, class_id),
        )

    def after(self, rows: Sequence[Evidence], derived: Sequence["DerivedRow"]) -> "ClaimState":
        """The state after more ledger rows."""
        if not rows:
            return self
        return replace(
            self,
            inside_log_odds=derived[-1].inside_log_odds,
            num_evidence=self.num_evidence + len(rows),
            last_recorded_at=rows[-1].recorded_at,
        )

    def belief(self, moment: datetime, *, policy: BeliefPolicy = POLICY) -> "Belief | None":
        """The belief as of a moment, by the ledger as it stands; None where no probability was stated."""
        if self.inside_log_odds is None:
            return None
        return belief_at(
            self.inside_log_odds,
            window=self.window,
            outside=self.outside_view,
            moment=self.settled(moment),
            policy=policy,
        )

    def settled(self, moment: datetime) -> datetime:
        """The moment, or the one at which the claim's outcome became known, whichever came first."""
        return moment if self.resolved_at is None else min(moment, self.resolved_at)

    def next_moment(self, now: datetime) -> datetime:
        """When the next ledger row is recorded: now, and behind the last row whatever the clocks say."""
        return now if self.last_recorded_at is None else max(now, self.last_recorded_at + TICK)

    def stored(self, moment: datetime) -> dict[str, Any]:
        """What the claim's node keeps of its belief as of a moment."""
        belief = self.belief(moment)
        probability = None if belief is None else belief.probability
        properties = {
            "inside_log_odds": self.inside_log_odds,
            "num_evidence": self.num_evidence,
            "last_recorded_at": self.last_recorded_at,
            "posterior": probability,
            "posterior_as_of": None if belief is None else moment,
        }
        if self.subject != "Prediction":
            return properties
        return properties | probability_keys(self.claim_id, self.anchors, probability)


@dataclass(frozen=True, slots=True)
class Belief:
    """
    A belief and all that it is made of.

    Attributes:
        probability: The posterior.
        as_of: The moment it holds for; for a claim whose outcome is known not after that became known.
        inside_log_odds: The inside view, natural log-odds: what was stated plus all evidence.
        inside_probability: The same as a probability.
        base_rate: The outside view; None without a reference class.
        reference_class_id: The class's id.
        trf: Time-remaining fraction; None without a window.
        inside_weight: Share of the inside view in the blend; 1 where none is made.
        outside_weight: 1 minus that.
        blend_applied: Whether there was an outside view to blend with.
        blend_reason: Says so in words.
        policy: By which numbers.
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
    What the graph keeps beside a ledger row.

    Attributes:
        prior_inside_log_odds: The claim's inside log-odds before the row, by our policy; None where nothing was stated.
        inside_log_odds: After it.
        total_llr: What the row adds, before anyone's record is looked at.
        total_adjusted_llr: What it adds by our policy.
        cluster: The row's cluster with it; None where it is of none.
    """

    prior_inside_log_odds: float | None
    inside_log_odds: float | None
    total_llr: float
    total_adjusted_llr: float
    cluster: Cluster | None

    def properties(self) -> dict[str, Any]:
        """As the row's node keeps it."""
        return {
            "prior_inside_log_odds": self.prior_inside_log_odds,
            "inside_log_odds": self.inside_log_odds,
            "cluster_size": None if self.cluster is None else self.cluster.num_items,
            "cluster_llr_sum": None if self.cluster is None else self.cluster.llr_sum,
            "cluster_adjusted_llr_sum": None if self.cluster is None else self.cluster.adjusted_llr_sum,
        }


def as_mapping(figures: "DataclassInstance") -> dict[str, Any]:
    """A record of plain values by their names; nothing in it is copied, which is most of what `asdict` costs."""
    return {name.name: getattr(figures, name.name) for name in fields(figures)}


def outside_view(reference_class_id: str | None, base_rate: float | None) -> OutsideView | None:
    """How often such things come true, where both are known."""
    if reference_class_id is None or base_rate is None:
        return None
    return OutsideView(base_rate, reference_class_id)


def trf_at(window: Window | None, moment: datetime) -> float | None:
    """The time-remaining fraction; None without a window."""
    return None if window is None else time_remaining_fraction(*window, moment)


def belief_at(
    inside_log_odds: float,
    *,
    window: Window | None,
    outside: OutsideView | None,
    moment: datetime,
    policy: BeliefPolicy = POLICY,
) -> Belief:
    """The belief that inside log-odds come to at a moment, with all that it is made of."""
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
    What a ledger row adds to a claim's log-odds: its adjusted LLR, for an imported row too.

    A row that came without one is weighed by the kappa it came with, else as our policy weighs a predictor without a
    record, or evidence without a predictor.
    """
    if row.total_adjusted_llr is not None:
        return row.total_adjusted_llr
    return kappa_in_force(row.kappa, row.predictor_id, policy=policy) * row.total_llr


def kappa_in_force(kappa: float | None, predictor_id: str | None, *, policy: BeliefPolicy = POLICY) -> float:
    """The kappa that a ledger row is weighed by: its own, else what a predictor without a record gets, or nobody."""
    if kappa is not None:
        return kappa
    return policy.kappa_without_predictor if predictor_id is None else policy.kappa_prior


def ledger_order(row: Evidence) -> tuple[datetime, str]:
    """By which a claim's ledger is ordered."""
    return row.recorded_at, row.id


def item_llrs(row: Evidence) -> tuple[float, float]:
    """What a row's items weigh by themselves, before a cluster shares it out: plain, and each times its kappa."""
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
    What stands beside each of a claim's ledger rows.

    Args:
        rows: In the ledger's order.
        inside_log_odds: Before the first of them; None where nothing was stated.
        clusters: As they stood before the first of them, by id.
        policy: Rows of this one add what their items come to; rows of another what they say they do.
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
    What our policy makes of a stored ledger row: its very figures for one of ours, what stands beside an imported one.

    Args:
        properties: `OWN_STEP_PROPERTIES` of the row.

    Returns:
        None where the claim has no stated probability, so that there is nothing to add to.
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
