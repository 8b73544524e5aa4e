"""Policies: named rules by which a claim's belief follows from what was stated, from evidence and from time."""

from dataclasses import dataclass
from typing import Protocol

from graph.inference.log_odds import FloatArray
from graph.inference.predictor_effects import PredictorEffects
from graph.inference.silence import TimingShares
from graph.inference.statements import ResolvedClaims, StatedClaims
from graph.inference.time import MomentArray


@dataclass(frozen=True, slots=True)
class Formula:
    """
    One rule of a policy in writing.

    Attributes:
        name: Of the quantity that it gives.
        text: The formula, with the parameters' values in it.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class PolicyDescription:
    """
    A policy as data.

    Attributes:
        name: Recorded in ledger rows.
        formulas: In the order in which they are applied.
        parameters: Value of each parameter by name.
    """

    name: str
    formulas: tuple[Formula, ...]
    parameters: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class BeliefTerms:
    """
    Terms that add up to a belief's log-odds, each of the shape of the belief.

    Attributes:
        stated: Log-odds of the stated probability.
        population: Correction by how often such statements come true.
        predictor: Correction by the predictor's own record.
        reference_class: Correction by the class's base rate.
        silence: Correction by the time in which nothing has happened.
        evidence: Sum of the adjusted log-likelihood ratios.
    """

    stated: FloatArray
    population: FloatArray
    predictor: FloatArray
    reference_class: FloatArray
    silence: FloatArray
    evidence: FloatArray


class Policy(Protocol):
    """
    One policy; all arrays are of shapes that broadcast.

    Evidence is added to `prior_log_odds`, in the ledger's order; the sum is called inside log-odds.
    """

    @property
    def name(self) -> str:
        """Name, recorded in ledger rows; another set of numbers needs another one."""

    @property
    def missed_check_in_llr(self) -> float:
        """Log-likelihood ratio of a missed check-in, before any kappa."""

    def prior_log_odds(self, claims: StatedClaims) -> FloatArray:
        """
        Compute the log-odds of claims when they are stated, to which evidence is added.

        Raises:
            ValueError: A number is out of range.
        """

    def beliefs(self, claims: StatedClaims, inside_log_odds: FloatArray, moments: MomentArray) -> FloatArray:
        """
        Compute beliefs at moments, strictly between 0 and 1.

        Args:
            claims: As they were stated.
            inside_log_odds: `prior_log_odds` and all evidence until each moment, finite; without evidence the result is
                the prior marginal of the network.
            moments: None of them NaT.

        Raises:
            ValueError: A number is out of range.
        """

    def terms(self, claims: StatedClaims, inside_log_odds: FloatArray, moments: MomentArray) -> BeliefTerms:
        """Return the terms of `beliefs`, with the same arguments."""

    def variances(
        self, claims: StatedClaims, effects: PredictorEffects, rate_variances: FloatArray, moments: MomentArray
    ) -> FloatArray:
        """
        Compute the variance of beliefs' log-odds that comes from what was learned of few outcomes.

        Args:
            claims: As they were stated, all by one predictor.
            effects: Of the predictor.
            rate_variances: Variance of the log-odds of each reference class's rate; 0 for a known rate or no class.
            moments: None of them NaT.
        """

    def effects(self, record: ResolvedClaims) -> PredictorEffects:
        """Learn a predictor's effects on the prior of its claims, from claims that count (`is_counted`)."""

    def evidence_kappa(self, record: ResolvedClaims | None, *, submitter_kappa: float | None = None) -> float:
        """
        Compute the weight of evidence.

        Args:
            record: Of the evidence's predictor; None without a predictor.
            submitter_kappa: Weight set for whoever submits evidence without a predictor; None for the policy's own.
        """

    def with_timing(self, shares: TimingShares) -> "Policy":
        """Return the policy with the timing learned from a graph; itself if it does not use timing."""

    def description(self) -> PolicyDescription:
        """Return formulas and parameters."""
