"""What an answer says of itself: how it was made and how far it can be trusted."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.structure import BoolArray
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY


class Method(StrEnum):
    """How beliefs are computed over the network."""

    EXACT = "EXACT"
    LBP = "LBP"
    SAMPLE = "SAMPLE"


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """
    How an answer was made.

    Attributes:
        method: By which method.
        converged: Whether it can be trusted as far as the method goes; if not, `reason` says why.
        reason: Empty where it converged.
        seconds: Wall time.
        num_samples: Joint samples in all; 0 where none were drawn.
        num_matching: Of them, those that agree with what is asked about; equal to `num_samples` where nothing is.
        num_replicates: Independent parts that the samples were drawn in.
        standard_error: The largest of any claim, between replicates; None without them.
        largest_difference: The largest between two replicates' marginals of one claim; None without them.
        surviving_ancestors: Of the samples first drawn in a replicate, how many have descendants in it; the fewest.
        weight_variance: Of the log weights of the guided draws; the most of any replicate.
        num_temperatures: Steps from the guide to the model; the most of any replicate.
        seed: Of all that is random; None where nothing is.
        iterations: Sweeps of LBP.
        residual: The most that LBP's last sweep would have changed a message or what a claim is told, in log-odds.
        damping: The rung of the ladder that LBP ended on.
        num_approximated: Claims with so many parents that LBP integrates over a normal distribution in their place.
        approximation_error: The most that this was found to change one's probability, given independent parents.
        is_fresh: Whether samples were drawn for this question; false where a stored bank answered it.
    """

    method: Method
    converged: bool
    reason: str
    seconds: float
    num_samples: int = 0
    num_matching: int = 0
    num_replicates: int = 0
    standard_error: float | None = None
    largest_difference: float | None = None
    surviving_ancestors: int | None = None
    weight_variance: float | None = None
    num_temperatures: int | None = None
    seed: int | None = None
    iterations: int | None = None
    residual: float | None = None
    damping: float | None = None
    num_approximated: int = 0
    approximation_error: float | None = None
    is_fresh: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Beliefs:
    """
    What one method makes of all claims.

    Attributes:
        marginals: P(claim) given all evidence, shape (n,): 0 or 1 for observed claims, strictly between for others.
        standard_errors: Between replicates, shape (n,); None for methods that draw no samples.
        diagnostics: How it was made.
    """

    marginals: FloatArray
    standard_errors: FloatArray | None
    diagnostics: Diagnostics


def check_marginals(marginals: FloatArray, *, is_observed: BoolArray) -> FloatArray:
    """
    The marginals, or an internal error.

    A hub with thousands of children may be as good as certain, beyond what doubles can tell from it. Its marginal is
    the double nearest to the truth among those that are neither 0 nor 1, as it is for posteriors.

    Raises:
        ArithmeticError: One of an unobserved claim is NaN or outside [0, 1].
    """
    wrong = ~((marginals >= 0.0) & (marginals <= 1.0)) & ~is_observed
    if wrong.any():
        claim = int(np.flatnonzero(wrong)[0])
        message = f"expected marginals from 0 to 1, got {marginals[claim]} for claim {claim}"
        raise ArithmeticError(message)
    return np.where(is_observed, marginals, np.clip(marginals, LEAST_PROBABILITY, GREATEST_PROBABILITY))
