"""What is known of each claim: evidence as likelihood, resolved claims as observations; and interventions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.inference.log_odds import FloatArray
from graph.inference.network.intercepts import CalibratedNetwork, cut_from_parents
from graph.inference.network.structure import BoolArray

OutcomeArray = NDArray[np.int8]

UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """
    What is known of n claims.

    Attributes:
        llr: Natural log of P(evidence | true) / P(evidence | false), 0 without evidence, finite, shape (n,).
        observed: The outcome of resolved claims, 0 or 1; UNKNOWN for the others; shape (n,).
    """

    llr: FloatArray
    observed: OutcomeArray

    @property
    def is_observed(self) -> BoolArray:
        """Which claims' outcomes are known, shape (n,)."""
        return np.not_equal(self.observed, UNKNOWN)

    @property
    def is_informative(self) -> BoolArray:
        """Which claims bear evidence or are observed, shape (n,)."""
        return np.not_equal(self.llr, 0.0) | self.is_observed


def make_evidence(llr: FloatArray, observed: OutcomeArray) -> Evidence:
    """
    Check what is known of each claim.

    Args:
        llr: Natural log-likelihood ratios, finite, shape (n,). That of an observed claim changes nothing.
        observed: 0, 1 or UNKNOWN, shape (n,).

    Raises:
        ValueError: Shapes differ, a ratio is not finite, or an outcome is something else.
    """
    if llr.shape != observed.shape or llr.ndim != 1:
        message = f"expected a ratio and an outcome for each claim, got shapes {llr.shape} and {observed.shape}"
        raise ValueError(message)
    if not np.isfinite(llr).all():
        message = "expected finite log-likelihood ratios, got NaN or an infinity"
        raise ValueError(message)
    if not np.isin(observed, (UNKNOWN, 0, 1)).all():
        message = f"expected outcomes 0, 1 or {UNKNOWN}, got {observed[~np.isin(observed, (UNKNOWN, 0, 1))][0]}"
        raise ValueError(message)
    observed = observed.astype(np.int8)
    return Evidence(np.where(observed == UNKNOWN, llr, 0.0).astype(np.float64), observed)


def no_evidence(num_claims: int) -> Evidence:
    """Nothing is known of any claim."""
    return Evidence(np.zeros(num_claims), np.full(num_claims, UNKNOWN, np.int8))


def observe(evidence: Evidence, outcomes: Mapping[int, bool]) -> Evidence:
    """
    The same with these claims' outcomes known; one that was known already is replaced.

    Args:
        evidence: Stays as it is.
        outcomes: By claim.

    Raises:
        ValueError: A claim does not exist.
    """
    num_claims = evidence.llr.size
    llr, observed = evidence.llr.copy(), evidence.observed.copy()
    for claim, outcome in outcomes.items():
        if not 0 <= claim < num_claims:
            message = f"expected claims from 0 to {num_claims - 1}, got {claim}"
            raise ValueError(message)
        observed[claim] = int(outcome)
        # An outcome leaves nothing for evidence to say.
        llr[claim] = 0.0
    return replace(evidence, llr=llr, observed=observed)


def intervene(
    model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool]
) -> tuple[CalibratedNetwork, Evidence]:
    """
    Cut these claims from their parents, then fix them: what if somebody brought this about?

    What they then say of their parents is nothing, while their children follow them as always.

    Args:
        model: Stays as it is.
        evidence: Stays as it is.
        outcomes: By claim.

    Raises:
        ValueError: A claim does not exist.

    Source: Pearl, Causality, 2nd ed. (2009), section 3.2.
    """
    observed = observe(evidence, outcomes)
    claims = np.zeros(model.network.num_claims, np.bool_)
    claims[list(outcomes)] = True
    return cut_from_parents(model, claims), observed
