"""
A claim's state, derived from its ledger, and the belief at a moment, derived from the state.

The ledger is the source of truth. The graph also stores values derived from it: on each ledger row the inside log-odds
before and after it by this service's policy, on each claim the latest of them and the posterior as of the last write
or refresh. All of them are computed here and nowhere else, so they can be recomputed bit for bit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from graph.inference.basis import Basis
from graph.inference.evidence import POLICY, BeliefPolicy, Cluster, missed_check_in
from graph.inference.log_odds import logit, optional_numbers
from graph.inference.policies import FOREGRAPH_1, FOREGRAPH_2, POLICIES
from graph.inference.posterior import (
    LedgerStep,
    OutsideView,
    blend_reason_text,
    inside_weight,
    ledger_step,
    posterior,
    probability_of,
)
from graph.inference.statements import StatedClaims
from graph.inference.time import time_remaining_fraction, utc_moments, window_of
from graph.model.kinds import ClaimStatus
from graph.model.page_keys import CHANGE_DAYS, belief_keys, change_keys, uncomputed_keys
from graph.model.rows import Claim, Evidence, Prediction
from graph.model.subjects import subject_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

IMPORTED = "imported"
"""The policy of ledger rows whose weights another system computed."""

CHECK_IN_MISSED = "check_in_missed"
"""The kind of ledger rows for missed check-ins, which foregraph-2 counts as silence instead."""

IMPORTED_CHECK_IN = "quartile_checkpoint"
"""The kind of the items of imported ledger rows for missed check-ins."""

TICK = timedelta(microseconds=1)
Window = tuple[datetime, datetime]

# The properties of a claim's node that its policy's own terms are read from.
RULE_PROPERTIES = ("policy", "timing_share", "setting_at", "intercept_effect", "slope_effect", "check_in_log_odds")

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
    "final_log_odds",
    "final_base_rate",
    "final_class_id",
    "final_trf",
    "final_policy",
    "final_silence",
    *RULE_PROPERTIES,
    "versioned_at",
    "num_versions",
)

# Of the properties of a claim's reference class.
CLASS_PROPERTIES = ("base_rate", "versioned_at", "num_versions")


@dataclass(frozen=True, slots=True)
class Rules:
    """
    Rules that a claim's belief follows.

    Attributes:
        policy: The name of the policy.
        share: Under foregraph-2, the share of what comes true that does so before the deadline, in [0, 1].
        effects: The effects a and b of the claim's predictor, as its outcomes showed when the claim was stated.
        since: When the graph's policy, or what it has learned of timing, was last recorded; None if it never was.
    """

    policy: str = FOREGRAPH_1.name
    share: float = 0.0
    effects: tuple[float, float] = (0.0, 0.0)
    since: datetime | None = None

    @property
    def is_calibrated(self) -> bool:
        """Whether the policy is foregraph-2."""
        return self.policy == FOREGRAPH_2.name

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> "Rules":
        """Read them from a claim's `RULE_PROPERTIES`; absent ones are those of foregraph-1."""
        policy = properties.get("policy")
        if policy is None:
            return OLD_RULES
        effects = properties.get("intercept_effect") or 0.0, properties.get("slope_effect") or 0.0
        return cls(policy, properties.get("timing_share") or 0.0, effects, properties.get("setting_at"))

    def properties(self) -> dict[str, Any]:
        """Return them as properties of a claim's node; all absent where the graph has no policy of its own."""
        is_set = self.since is not None
        return {
            "policy": self.policy if is_set else None,
            "setting_at": self.since,
            "timing_share": self.share if is_set and self.is_calibrated else None,
            "intercept_effect": self.effects[0] or None,
            "slope_effect": self.effects[1] or None,
        }

    def is_by(self, moment: datetime) -> bool:
        """Whether they were in force at a moment."""
        return self.since is None or self.since <= moment


OLD_RULES = Rules()
"""Rules of a graph that has no policy of its own."""


@dataclass(frozen=True, slots=True)
class Ground:
    """
    All that a claim's belief follows from, evidence included, but the moment.

    Attributes:
        stated_probability: Strictly between 0 and 1.
        log_odds: Log-odds of the stated probability plus every row of the ledger.
        check_ins: Part of `log_odds` that comes from missed check-ins.
        window: Start and deadline; None without a window.
        outside_view: The reference class and its base rate; None without a class.
        rules: The rules.
    """

    stated_probability: float
    log_odds: float
    check_ins: float
    window: "Window | None"
    outside_view: OutsideView | None
    rules: Rules

    def basis(self) -> Basis:
        """Return it as arrays of shape (1,)."""
        return basis_of([self])

    def inside(self) -> float:
        """Return the inside log-odds under the policy."""
        return float(self.basis().inside()[0]) if self.rules.is_calibrated else self.log_odds

    def final_view(self, at: datetime) -> "FinalView":
        """Return what the belief follows from for good after an outcome at a moment."""
        return final_views([(self, at)])[0]

    def belief(self, moment: datetime) -> "Belief":
        """Compute the belief at a moment."""
        return self.final_view(moment).belief(moment)


@dataclass(frozen=True, slots=True)
class FinalView:
    """
    Basis of a closed claim's belief: everything as it was at the moment of the outcome.

    Attributes:
        log_odds: The inside log-odds by the evidence recorded until then, finite.
        outside_view: The reference class and its base rate then; None for a claim without one.
        trf: The time-remaining fraction then; None without a window.
        policy: The name of the policy then.
        silence: The log-likelihood ratio of the silence until then; 0 under foregraph-1.
    """

    log_odds: float
    outside_view: OutsideView | None
    trf: float | None
    policy: str = FOREGRAPH_1.name
    silence: float = 0.0

    def probability(self) -> float:
        """Compute the belief as a number, strictly between 0 and 1."""
        if self.policy == FOREGRAPH_2.name:
            return probability_of(self.log_odds + self.silence)
        base_rate = None if self.outside_view is None else self.outside_view.base_rate
        return posterior(self.log_odds, base_rate=base_rate, trf=self.trf)

    def belief(self, moment: datetime) -> "Belief":
        """Return the belief, said to hold for a moment."""
        if self.policy == FOREGRAPH_2.name:
            return calibrated_belief(self, moment)
        return belief_of(self.log_odds, trf=self.trf, outside=self.outside_view, moment=moment)

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> "FinalView | None":
        """Read it from a claim's properties; None for an open claim, and where no probability was stated."""
        log_odds = properties.get("final_log_odds")
        if log_odds is None:
            return None
        outside = outside_view(properties["final_class_id"], properties["final_base_rate"])
        policy = properties.get("final_policy") or FOREGRAPH_1.name
        return cls(log_odds, outside, properties["final_trf"], policy, properties.get("final_silence") or 0.0)


def basis_of(grounds: Sequence[Ground]) -> Basis:
    """Return grounds as arrays of shape (n,)."""
    starts, deadlines = (
        utc_moments([None if ground.window is None else ground.window[end] for ground in grounds]) for end in (0, 1)
    )
    outsides = (ground.outside_view for ground in grounds)
    effects = np.array([ground.rules.effects for ground in grounds], np.float64).reshape(-1, 2).T
    claims = StatedClaims(
        stated=np.array([ground.stated_probability for ground in grounds], np.float64),
        stated_at=np.full(len(grounds), np.datetime64("NaT"), "datetime64[us]"),
        starts=starts,
        deadlines=deadlines,
        base_rates=optional_numbers([None if outside is None else outside.base_rate for outside in outsides]),
        intercept_effects=effects[0],
        slope_effects=effects[1],
    )
    return Basis(
        claims,
        np.array([ground.log_odds for ground in grounds], np.float64),
        np.array([ground.check_ins for ground in grounds], np.float64),
        np.array([ground.rules.share for ground in grounds], np.float64),
        np.array([ground.rules.is_calibrated for ground in grounds], np.bool_),
    )


def final_views(asked: Sequence[tuple[Ground, datetime]]) -> list[FinalView]:
    """Return what each belief follows from for good after an outcome at a moment, all computed together."""
    views = [FinalView(ground.log_odds, ground.outside_view, trf_at(ground.window, at)) for ground, at in asked]
    places = [place for place, (ground, _) in enumerate(asked) if ground.rules.is_calibrated]
    if places:
        basis = basis_of([asked[place][0] for place in places])
        silences = basis.silence(utc_moments([asked[place][1] for place in places])).tolist()
        for place, inside, silence in zip(places, basis.inside().tolist(), silences, strict=True):
            view, rules = views[place], asked[place][0].rules
            views[place] = FinalView(inside, view.outside_view, view.trf, rules.policy, silence)
    return views


def final_properties(final: FinalView | None) -> dict[str, Any]:
    """Return a final view as the properties of its claim's node; all absent for an open claim."""
    outside = None if final is None else final.outside_view
    return {
        "final_log_odds": None if final is None else final.log_odds,
        "final_base_rate": None if outside is None else outside.base_rate,
        "final_class_id": None if outside is None else outside.reference_class_id,
        "final_trf": None if final is None else final.trf,
        "final_policy": None if final is None or final.policy == FOREGRAPH_1.name else final.policy,
        "final_silence": None if final is None or not final.silence else final.silence,
    }


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    Since when the present values of a claim and of its class are recorded.

    Attributes:
        at: The latest moment at which one of them was recorded; None for a graph without versions.
        has_earlier: Whether the claim, or its class, had other values before.
    """

    at: datetime | None = None
    has_earlier: bool = False

    @classmethod
    def of(cls, *nodes: Mapping[str, Any] | None) -> "Recorded":
        """Read it from the properties `versioned_at` and `num_versions` of nodes, absent ones left out."""
        found = [node for node in nodes if node is not None]
        moments = [node["versioned_at"] for node in found if node.get("versioned_at") is not None]
        return cls(max(moments, default=None), any((node.get("num_versions") or 1) > 1 for node in found))

    def is_by(self, moment: datetime) -> bool:
        """Whether the present values were recorded by a moment."""
        return self.at is not None and self.at <= moment


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
        final: What the belief follows from once the claim is closed; None for an open claim.
        recorded: Since when the present values are recorded.
        rules: The rules that the belief follows.
        check_ins: Part of `inside_log_odds` that comes from missed check-ins.
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
    final: FinalView | None = None
    recorded: Recorded = Recorded()
    rules: Rules = OLD_RULES
    check_ins: float = 0.0

    @classmethod
    def from_properties(
        cls, subject: str, properties: Mapping[str, Any], reference_class: Mapping[str, Any] | None
    ) -> "ClaimState":
        """
        Read the state of a stored claim.

        Args:
            subject: Prediction, Scenario or Killer.
            properties: `STATE_PROPERTIES` of the claim.
            reference_class: `CLASS_PROPERTIES` of its reference class; None without one.
        """
        base_rate = None if reference_class is None else reference_class["base_rate"]
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
            final=FinalView.from_properties(properties),
            recorded=Recorded.of(properties, reference_class),
            rules=Rules.from_properties(properties),
            check_ins=properties.get("check_in_log_odds") or 0.0,
        )

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "ClaimState":
        """Read the state of a claim from a statement's row of `claim` (its properties), `labels` and `class`."""
        return cls.from_properties(subject_of(row["labels"]), row["claim"], row["class"])

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

    def after(self, rows: Sequence["LedgerRow"], derived: Sequence["DerivedRow"]) -> "ClaimState":
        """Return the state after further ledger rows, given with their derived values in the ledger's order."""
        if not rows:
            return self
        return replace(
            self,
            inside_log_odds=derived[-1].inside_log_odds,
            check_ins=derived[-1].check_in_log_odds,
            num_evidence=self.num_evidence + len(rows),
            last_recorded_at=rows[-1].recorded_at,
        )

    def ground(self) -> Ground | None:
        """Return what the belief follows from but the moment; None where no probability was stated."""
        if self.inside_log_odds is None or self.stated_probability is None:
            return None
        return Ground(
            self.stated_probability, self.inside_log_odds, self.check_ins, self.window, self.outside_view, self.rules
        )

    def belief(self, moment: datetime) -> "Belief | None":
        """
        Compute the belief as of a moment, with all evidence so far; None where no probability was stated.

        That of a closed claim is the one at the moment of its outcome.
        """
        ground = self.ground()
        if ground is None:
            return None
        capped = self.capped_at_outcome(moment)
        return ground.belief(capped) if self.final is None else self.final.belief(capped)

    def capped_at_outcome(self, moment: datetime) -> datetime:
        """Return the moment, or that of the claim's outcome where it is earlier."""
        return moment if self.resolved_at is None else min(moment, self.resolved_at)

    def next_moment(self, now: datetime) -> datetime:
        """Return the moment of recording of the next ledger row: now, but always after the last row."""
        return now if self.last_recorded_at is None else max(now, self.last_recorded_at + TICK)

    def ask(self, moment: datetime) -> "Asked":
        """Return what the belief as of a moment follows from; `views_of` computes many at a time."""
        ground = self.ground()
        if ground is None or self.final is not None:
            return None if ground is None else self.final
        return ground, self.capped_at_outcome(moment)

    def stored(self, moment: datetime, view: FinalView | None = None) -> dict[str, Any]:
        """
        Return the derived properties that the claim's node stores, the posterior as of a moment.

        Args:
            moment: The moment.
            view: What the belief follows from then; computed when absent.
        """
        found = view or views_of([self.ask(moment)])[0]
        probability = None if found is None else found.probability()
        return {
            "inside_log_odds": self.inside_log_odds,
            "num_evidence": self.num_evidence,
            "last_recorded_at": self.last_recorded_at,
            "posterior": probability,
            "posterior_as_of": None if found is None else moment,
            **final_properties(self.final),
            **self.rules.properties(),
            "check_in_log_odds": self.check_ins or None,
            **belief_keys(self.claim_id, probability, self.num_evidence, self.last_recorded_at),
        }


Asked = FinalView | tuple[Ground, datetime] | None
"""A final view, or what one follows from and the moment of it; None where no probability was stated."""


def views_of(asked: Sequence[Asked]) -> list[FinalView | None]:
    """Return the view of each, those that are not known computed together."""
    found = [each if isinstance(each, FinalView) else None for each in asked]
    places = [place for place, each in enumerate(asked) if isinstance(each, tuple)]
    computed = final_views([each for each in asked if isinstance(each, tuple)])
    for place, view in zip(places, computed, strict=True):
        found[place] = view
    return found


def past_name(days: int) -> str:
    """Return the name of the property with the posterior of some days before."""
    return f"posterior_{days}_days_ago"


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
        silence_log_odds: The log-likelihood ratio of nothing having happened, which is added to the inside view; 0
            under foregraph-1.
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
    silence_log_odds: float = 0.0


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
        check_in_log_odds: Part of `inside_log_odds` that comes from missed check-ins.
    """

    prior_inside_log_odds: float | None
    inside_log_odds: float | None
    total_llr: float
    total_adjusted_llr: float
    cluster: Cluster | None
    check_in_log_odds: float = 0.0

    def sums(self) -> tuple[float, float]:
        """Return the inside log-odds after the row, 0 where no probability was stated, and the part of check-ins."""
        return self.inside_log_odds or 0.0, self.check_in_log_odds

    def properties(self) -> dict[str, Any]:
        """Return the properties that the row's node stores."""
        return {
            "prior_inside_log_odds": self.prior_inside_log_odds,
            "inside_log_odds": self.inside_log_odds,
            "check_in_log_odds": self.check_in_log_odds or None,
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
    return belief_of(inside_log_odds, trf=trf_at(window, moment), outside=outside, moment=moment, policy=policy)


def belief_of(
    inside_log_odds: float,
    *,
    trf: float | None,
    outside: OutsideView | None,
    moment: datetime,
    policy: BeliefPolicy = POLICY,
) -> Belief:
    """
    Compute the belief that follows from inside log-odds and a time-remaining fraction; otherwise as `belief_at`.

    Args:
        inside_log_odds: Natural log-odds of the stated probability plus all evidence, finite.
        trf: The time-remaining fraction, in [0, 1]; None without a window.
        outside: The outside view; None without a reference class.
        moment: The moment that the belief holds for.
        policy: The weight of the outside view.
    """
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


def calibrated_belief(final: FinalView, moment: datetime) -> Belief:
    """
    Compute the belief under foregraph-2, which adds the silence to the inside view and blends nothing.

    Args:
        final: The inside log-odds and the silence at the moment.
        moment: The moment that the belief is said to hold for.
    """
    outside = final.outside_view
    return Belief(
        probability=final.probability(),
        as_of=moment,
        inside_log_odds=final.log_odds,
        inside_probability=probability_of(final.log_odds),
        base_rate=None if outside is None else outside.base_rate,
        reference_class_id=None if outside is None else outside.reference_class_id,
        trf=final.trf,
        inside_weight=1.0,
        outside_weight=0.0,
        blend_applied=False,
        blend_reason=calibrated_reason(final.silence),
        policy=final.policy,
        silence_log_odds=final.silence,
    )


def calibrated_reason(silence: float) -> str:
    """Return in words why foregraph-2 blends nothing."""
    return f"no blend: calibrated prior and evidence, with {silence:.3f} for silence"


class LedgerItem(Protocol):
    """An item of a ledger row, as far as its weight depends on it."""

    @property
    def kind(self) -> str | None:
        """The kind of item."""

    @property
    def llr(self) -> float:
        """Natural log of its likelihood ratio."""

    @property
    def adjusted_llr(self) -> float | None:
        """The same times kappa."""


class LedgerRow(Protocol):
    """A ledger row, as far as what it adds depends on it: an `Evidence`, or what is read of many."""

    @property
    def id(self) -> str:
        """The row's key."""

    @property
    def recorded_at(self) -> datetime:
        """The moment at which it was added to the ledger."""

    @property
    def policy(self) -> str:
        """The rules by which it was weighed."""

    @property
    def evidence_kind(self) -> str | None:
        """The kind of evidence."""

    @property
    def cluster_id(self) -> str | None:
        """The source event that it shares with other rows."""

    @property
    def retracts_id(self) -> str | None:
        """The row that it takes back."""

    @property
    def predictor_id(self) -> str | None:
        """The predictor whose evidence it is."""

    @property
    def kappa(self) -> float | None:
        """The weight of the predictor's evidence."""

    @property
    def total_llr(self) -> float:
        """Sum of the items' natural log-likelihood ratios."""

    @property
    def total_adjusted_llr(self) -> float | None:
        """The same times kappa."""

    @property
    def contributions(self) -> Sequence[LedgerItem]:
        """The items that it sums up."""


def applied_llr(row: LedgerRow, *, policy: BeliefPolicy = POLICY) -> float:
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


def is_silent(row: LedgerRow) -> bool:
    """Whether a ledger row is for a missed check-in, ours or of the system that it was imported from."""
    of_check_ins = all(item.kind == IMPORTED_CHECK_IN for item in row.contributions)
    return row.evidence_kind == CHECK_IN_MISSED or (bool(row.contributions) and of_check_ins)


def item_llrs(row: LedgerRow) -> tuple[float, float]:
    """Sum the log-likelihood ratios of a row's items, before any cluster discounts them: plain, and times kappa."""
    if row.evidence_kind == CHECK_IN_MISSED and row.policy == FOREGRAPH_2.name:
        # The row says 0, as it counts as silence; under foregraph-1 it weighs all the same.
        llr = missed_check_in().llr
        return llr, kappa_in_force(row.kappa, row.predictor_id) * llr
    if any(item.adjusted_llr is None for item in row.contributions) or not row.contributions:
        return row.total_llr, applied_llr(row)
    return (
        sum(item.llr for item in row.contributions),
        sum(item.adjusted_llr for item in row.contributions if item.adjusted_llr is not None),
    )


def derive_rows(
    rows: Sequence[LedgerRow],
    *,
    inside_log_odds: float | None,
    clusters: Mapping[str, Cluster] | None = None,
    check_ins: float = 0.0,
    silent_ids: Iterable[str] = (),
) -> list[DerivedRow]:
    """
    Derive the values stored with each of a claim's ledger rows.

    They are those of foregraph-1, with the part of missed check-ins beside them, which other policies leave out.

    Args:
        rows: The claim's rows, in the ledger's order.
        inside_log_odds: The claim's inside log-odds before the first row; None where no probability was stated.
        clusters: The state of each cluster before the first row, by id.
        check_ins: The part of `inside_log_odds` that comes from missed check-ins.
        silent_ids: The ids of earlier rows for missed check-ins, which a row may retract.
    """
    known = dict(clusters or {})
    derived = []
    current = inside_log_odds
    silent, silent_rows = check_ins, set(silent_ids)
    for row in rows:
        cluster = None
        llr, adjusted = item_llrs(row)
        if row.cluster_id is not None:
            before = known.get(row.cluster_id, Cluster())
            change = before.joined_by if row.retracts_id is None else before.left_by
            cluster = known[row.cluster_id] = change(llr, adjusted)
            llr, adjusted = cluster.llr - before.llr, cluster.adjusted_llr - before.adjusted_llr
        if row.policy not in POLICIES:
            llr, adjusted = row.total_llr, applied_llr(row)
        after = None if current is None else current + adjusted
        if is_silent(row) or row.retracts_id in silent_rows:
            silent_rows.add(row.id)
            silent += adjusted
        derived.append(DerivedRow(current, after, llr, adjusted, cluster, silent))
        current = after
    return derived


OWN_STEP_PROPERTIES = (
    "prior_inside_log_odds",
    "inside_log_odds",
    "predictor_id",
    *(each.name for each in fields(LedgerStep)),
)


def own_step(properties: Mapping[str, Any]) -> LedgerStep | None:
    """
    Compute the step of a stored ledger row by this service's policies.

    For a row of one of these that is exactly the step that the row states; for an imported row it follows from the
    derived values stored with it, by foregraph-1.

    Args:
        properties: `OWN_STEP_PROPERTIES` of the row.

    Returns:
        The step; None where the claim has no stated probability, so that there are no log-odds to add to.
    """
    prior = properties["prior_inside_log_odds"]
    if prior is None:
        return None
    if properties["policy"] == FOREGRAPH_2.name:
        return LedgerStep(**{each.name: properties[each.name] for each in fields(LedgerStep)})
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
