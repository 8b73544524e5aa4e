"""Explanations of a belief: contributions that add up to its log-odds, and its interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

from graph.inference.log_odds import sigmoid
from graph.inference.policy import BeliefTerms
from graph.inference.rates import COVERAGE


class ContributionKind(StrEnum):
    """
    The source of a contribution to a belief's log-odds.

    Attributes:
        STATED: The stated probability.
        POPULATION: How often such statements come true.
        PREDICTOR: The record of the predictor.
        REFERENCE_CLASS: The base rate of the reference class.
        SILENCE: Nothing has happened since.
        EVIDENCE: A row of the ledger.
    """

    STATED = "STATED"
    POPULATION = "POPULATION"
    PREDICTOR = "PREDICTOR"
    REFERENCE_CLASS = "REFERENCE_CLASS"
    SILENCE = "SILENCE"
    EVIDENCE = "EVIDENCE"


@dataclass(frozen=True, slots=True)
class Contribution:
    """
    One summand of a belief's log-odds.

    Attributes:
        kind: Kind.
        label: Label of the evidence; the kind's words otherwise.
        log_odds: Natural log-odds that it adds.
    """

    kind: ContributionKind
    label: str
    log_odds: float


@dataclass(frozen=True, slots=True)
class Interval:
    """
    An interval of a probability.

    Attributes:
        low: Lower end, in [0, 1].
        high: Upper end, in [0, 1].
        coverage: Probability that it holds the value.
    """

    low: float
    high: float
    coverage: float


def contributions(terms: BeliefTerms, rows: Sequence[tuple[str, float]]) -> tuple[Contribution, ...]:
    """
    Return what adds up to a belief's log-odds, to 1e-12: the terms other than 0, and each row of evidence.

    Args:
        terms: Of one belief, shapes (1,).
        rows: Label and adjusted log-likelihood ratio of each ledger row that counts, in the ledger's order.

    Raises:
        ValueError: The rows do not add up to the evidence of the terms.
    """
    evidence = float(terms.evidence[0])
    told = math.fsum(llr for _, llr in rows)
    if not math.isclose(told, evidence, rel_tol=1e-9, abs_tol=1e-9):
        message = f"expected rows that add up to {evidence}, got {told}"
        raise ValueError(message)
    named = (
        (ContributionKind.STATED, "stated probability", terms.stated),
        (ContributionKind.POPULATION, "how often such statements come true", terms.population),
        (ContributionKind.PREDICTOR, "record of the predictor", terms.predictor),
        (ContributionKind.REFERENCE_CLASS, "base rate of the reference class", terms.reference_class),
        (ContributionKind.SILENCE, "nothing has happened so far", terms.silence),
    )
    return (
        *(
            Contribution(kind, label, float(values[0]))
            for kind, label, values in named
            if kind is ContributionKind.STATED or values[0] != 0.0
        ),
        *(Contribution(ContributionKind.EVIDENCE, label, llr) for label, llr in rows),
    )


def log_odds_of(terms: BeliefTerms) -> float:
    """Add up the terms of one belief, shapes (1,)."""
    named = (terms.stated, terms.population, terms.predictor, terms.reference_class, terms.silence, terms.evidence)
    return math.fsum(float(values[0]) for values in named)


def belief_interval(log_odds: float, variance: float, *, coverage: float = COVERAGE) -> Interval:
    """
    Compute the interval of a belief whose log-odds are normally distributed.

    Args:
        log_odds: Their mean, finite.
        variance: Their variance, 0 or more.
        coverage: Strictly between 0 and 1.

    Raises:
        ValueError: An argument is out of range.
    """
    if not (math.isfinite(log_odds) and 0.0 <= variance < math.inf and 0.0 < coverage < 1.0):
        message = f"expected finite log-odds, a variance and a coverage, got {log_odds}, {variance} and {coverage}"
        raise ValueError(message)
    half = NormalDist().inv_cdf(0.5 + 0.5 * coverage) * math.sqrt(variance)
    return Interval(sigmoid(log_odds - half), sigmoid(log_odds + half), coverage)
