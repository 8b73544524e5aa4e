"""Weights of evidence as natural log-likelihood ratios, and the policy that sets them."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from graph.inference.log_odds import FloatArray

ClusterArray = NDArray[np.int64]

ALONE = -1
"""Cluster number of an item outside any cluster."""


class Strength(StrEnum):
    """Strength of evidence as a likelihood ratio: WEAK 1.5, MODERATE 4, STRONG 10 (policy foregraph-1)."""

    WEAK = "WEAK"
    MODERATE = "MODERATE"
    STRONG = "STRONG"


class Direction(StrEnum):
    """Whether evidence speaks for or against a claim."""

    FOR = "FOR"
    AGAINST = "AGAINST"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefPolicy:
    """
    Parameters of the belief arithmetic.

    Attributes:
        name: Recorded in ledger rows; another set of numbers needs another name.
        weak_likelihood_ratio: P(evidence | true) / P(evidence | false) of WEAK evidence for a claim; 1 or more.
        moderate_likelihood_ratio: Of MODERATE evidence.
        strong_likelihood_ratio: Of STRONG evidence.
        check_in_missed: Strength of a missed check-in as evidence against the claim.
        researched_hit: Strength of a researched milestone that was hit, for the claim.
        researched_missed: Strength of a researched milestone that was missed, against the claim.
        grace_days: Days that a milestone may be late.
        outside_weight: Weight of the outside view when the whole window remains, in [0, 1].
        kappa_prior: Kappa of a predictor without a record.
        kappa_prior_strength: Number of resolved predictions that this prior is worth; above 0.
        kappa_floor: Smallest kappa; above 0, so that no predictor's evidence is ignored.
        kappa_cap: Largest kappa.
        kappa_digits: Decimals that kappa is rounded to before it is applied.
        kappa_without_predictor: Kappa of evidence without a predictor.

    Raises:
        ValueError: A number is out of range.
    """

    name: str
    weak_likelihood_ratio: float = 1.5
    moderate_likelihood_ratio: float = 4.0
    strong_likelihood_ratio: float = 10.0
    check_in_missed: Strength = Strength.WEAK
    researched_hit: Strength = Strength.MODERATE
    researched_missed: Strength = Strength.MODERATE
    grace_days: int = 7
    outside_weight: float = 0.7
    kappa_prior: float = 0.5
    kappa_prior_strength: float = 5.0
    kappa_floor: float = 0.10
    kappa_cap: float = 1.00
    kappa_digits: int = 4
    kappa_without_predictor: float = 1.0

    def __post_init__(self) -> None:
        ratios = (self.weak_likelihood_ratio, self.moderate_likelihood_ratio, self.strong_likelihood_ratio)
        rules = {
            "a name": self.name != "",
            "finite likelihood ratios of 1 or more, weak to strong": 1.0
            <= ratios[0]
            <= ratios[1]
            <= ratios[2]
            < math.inf,
            "grace_days of 0 or more": self.grace_days >= 0,
            "outside_weight in [0, 1]": 0.0 <= self.outside_weight <= 1.0,
            "0 < kappa_floor <= kappa_prior <= kappa_cap": 0.0 < self.kappa_floor <= self.kappa_prior <= self.kappa_cap,
            "a finite kappa_cap": self.kappa_cap < math.inf,
            "a finite kappa_prior_strength above 0": 0.0 < self.kappa_prior_strength < math.inf,
            "kappa_digits of 0 or more": self.kappa_digits >= 0,
            "a finite kappa_without_predictor above 0": 0.0 < self.kappa_without_predictor < math.inf,
        }
        if broken := [rule for rule, holds in rules.items() if not holds]:
            message = f"expected {'; '.join(broken)}; got {self}"
            raise ValueError(message)

    def likelihood_ratio(self, strength: Strength) -> float:
        """Return the likelihood ratio, 1 or more, of a named strength."""
        return {
            Strength.WEAK: self.weak_likelihood_ratio,
            Strength.MODERATE: self.moderate_likelihood_ratio,
            Strength.STRONG: self.strong_likelihood_ratio,
        }[strength]


POLICY = BeliefPolicy(name="foregraph-1")
"""The policy in force."""


@dataclass(frozen=True, slots=True)
class WeighedEvidence:
    """
    One item of evidence and its weight before kappa is applied.

    Attributes:
        strength: Named strength; None if a likelihood ratio was given instead.
        likelihood_ratio: 1 or more, in the stated direction, before softening.
        direction: For or against the claim.
        confidence: Probability that the item is real; None counts as 1.
        llr: Natural log-likelihood ratio, softened and signed.
    """

    strength: Strength | None
    likelihood_ratio: float
    direction: Direction
    confidence: float | None
    llr: float

    def word(self) -> str | None:
        """Return its strength in lower case, as ledger rows record it; None if a likelihood ratio was given."""
        return None if self.strength is None else self.strength.lower()


def weigh(
    strength: Strength | float,
    direction: Direction,
    *,
    confidence: float | None = None,
    policy: BeliefPolicy = POLICY,
) -> WeighedEvidence:
    """
    Compute the weight of one item: `±ln(c LR + 1 - c)`, with likelihood ratio LR and confidence c.

    With probability c the item is real and has its ratio; otherwise it is uninformative, with a ratio of 1.

    Args:
        strength: A named strength, or a likelihood ratio of 1 or more.
        direction: For or against the claim.
        confidence: c, in [0, 1]; None counts as 1.
        policy: Gives the ratios of the named strengths.

    Raises:
        ValueError: The ratio is below 1 or not finite, or the confidence is outside [0, 1].
    """
    named = strength if isinstance(strength, Strength) else None
    ratio = policy.likelihood_ratio(named) if named is not None else float(strength)
    certainty = 1.0 if confidence is None else confidence
    if not 1.0 <= ratio < math.inf:
        message = f"expected a finite likelihood ratio of 1 or more, got {ratio}; below 1, give its inverse AGAINST"
        raise ValueError(message)
    if not 0.0 <= certainty <= 1.0:
        message = f"expected a confidence from 0 to 1, got {confidence}"
        raise ValueError(message)
    # The same as ln(c LR + 1 - c), and exactly 0 for a ratio of 1 whatever the confidence.
    softened = math.log1p(certainty * (ratio - 1.0))
    llr = softened if direction is Direction.FOR else -softened
    return WeighedEvidence(named, ratio, direction, confidence, llr)


def missed_check_in(policy: BeliefPolicy = POLICY) -> WeighedEvidence:
    """Return the evidence of a missed check-in on its prediction."""
    return weigh(policy.check_in_missed, Direction.AGAINST, policy=policy)


def researched_milestone(
    *, is_hit: bool, confidence: float | None = None, policy: BeliefPolicy = POLICY
) -> WeighedEvidence:
    """
    Return the evidence of a researched milestone on its prediction, once it is hit or missed.

    Args:
        is_hit: Whether it was hit, else missed.
        confidence: Probability that the milestone bears on the prediction, in [0, 1]; None counts as 1.
        policy: Gives its strength.

    Raises:
        ValueError: The confidence is outside [0, 1].
    """
    if is_hit:
        return weigh(policy.researched_hit, Direction.FOR, confidence=confidence, policy=policy)
    return weigh(policy.researched_missed, Direction.AGAINST, confidence=confidence, policy=policy)


def adjusted_llr(llr: float, kappa: float) -> float:
    """
    Weight evidence by its predictor's kappa.

    Args:
        llr: Natural log-likelihood ratio, finite.
        kappa: Rounded kappa of the predictor; the policy's `kappa_without_predictor` for evidence without one.

    Raises:
        ValueError: An argument is not finite, or kappa is not above 0.
    """
    if not math.isfinite(llr):
        message = f"expected a finite log-likelihood ratio, got {llr}"
        raise ValueError(message)
    if not 0.0 < kappa < math.inf:
        message = f"expected a finite kappa above 0, got {kappa}"
        raise ValueError(message)
    return kappa * llr


@dataclass(frozen=True, slots=True)
class Cluster:
    """
    Items of one source event, which together count as their mean.

    Attributes:
        num_items: Number of items.
        llr_sum: Sum of their log-likelihood ratios.
        adjusted_llr_sum: Sum of their log-likelihood ratios, each times its kappa.
    """

    num_items: int = 0
    llr_sum: float = 0.0
    adjusted_llr_sum: float = 0.0

    @property
    def llr(self) -> float:
        """Log-likelihood ratio of the whole cluster; 0 if empty."""
        return self.llr_sum / max(1, self.num_items)

    @property
    def adjusted_llr(self) -> float:
        """Adjusted log-likelihood ratio of the whole cluster; 0 if empty."""
        return self.adjusted_llr_sum / max(1, self.num_items)

    def joined_by(self, llr: float, adjusted_llr: float) -> "Cluster":
        """
        Return the cluster with one more item.

        The ledger row of that item adds `after.llr - before.llr`, and likewise for the adjusted ratios.
        """
        return Cluster(self.num_items + 1, self.llr_sum + llr, self.adjusted_llr_sum + adjusted_llr)

    def left_by(self, llr: float, adjusted_llr: float) -> "Cluster":
        """
        Return the cluster with one item less.

        Args:
            llr: Negative of the item's log-likelihood ratio.
            adjusted_llr: Negative of its adjusted one.
        """
        return Cluster(self.num_items - 1, self.llr_sum + llr, self.adjusted_llr_sum + adjusted_llr)


def shared_llrs(llrs: FloatArray, clusters: ClusterArray) -> FloatArray:
    """
    Divide log-likelihood ratios by the number of items in their cluster, so that they sum to the total weight.

    Args:
        llrs: Natural log-likelihood ratios, adjusted or not, shape (n,).
        clusters: Cluster number of each item, 0 or more, or `ALONE`; shape (n,).

    Raises:
        ValueError: The shapes differ, or a cluster number is below `ALONE`.
    """
    if llrs.ndim != 1 or llrs.shape != clusters.shape:
        message = f"expected as many clusters as log-likelihood ratios, got shapes {clusters.shape} and {llrs.shape}"
        raise ValueError(message)
    if (clusters < ALONE).any():
        message = f"expected cluster numbers of {ALONE} or more, got {clusters.min()}"
        raise ValueError(message)
    _, position, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    return llrs / np.where(clusters == ALONE, 1, sizes[position])
