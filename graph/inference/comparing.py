"""Comparison of policies by their scores of the same forecasts, with intervals."""

from dataclasses import dataclass

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.scoring import BoolArray, CountArray

NUM_RESAMPLES = 1_000
SEED = 3
COVERAGE = 0.95
ROUNDING = 1e-12
"""Differences nearer to 0 are rounding, as of a policy that leaves probabilities as they are."""


@dataclass(frozen=True, slots=True)
class Interval:
    """
    A bootstrap interval of a mean.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """
    Mean difference of two policies' scores of the same forecasts; below 0 the first is better.

    Attributes:
        mean: Mean of the first's score minus the second's.
        by_predictor: Interval with whole predictors drawn again.
        by_question: Interval with whole questions drawn again.
    """

    mean: float
    by_predictor: Interval
    by_question: Interval

    @property
    def is_better(self) -> bool:
        """Whether the first is better beyond doubt: both intervals end below 0."""
        return max(self.by_predictor.high, self.by_question.high) < -ROUNDING


def paired_difference(
    scores: FloatArray, others: FloatArray, predictors: CountArray, questions: CountArray
) -> PairedDifference:
    """
    Compare two policies, with the cluster bootstrap over predictors and over questions.

    Args:
        scores: Score of each forecast under the first policy, lower is better, shape (n,), n of 1 or more.
        others: Score of the same forecasts under the second, shape (n,).
        predictors: Number of each forecast's predictor, shape (n,).
        questions: Number of each forecast's question, shape (n,).

    Source: Davison and Hinkley, Bootstrap Methods and their Application (1997), 3.8.
    """
    differences = scores - others
    return PairedDifference(
        mean=float(differences.mean()),
        by_predictor=cluster_interval(differences, predictors),
        by_question=cluster_interval(differences, questions),
    )


def cluster_interval(values: FloatArray, clusters: CountArray) -> Interval:
    """
    Compute the percentile interval of the mean, whole clusters drawn with replacement.

    Args:
        values: Shape (n,), n of 1 or more.
        clusters: Number of each value's cluster, shape (n,).
    """
    _, position = np.unique(clusters, return_inverse=True)
    sums, counts = np.bincount(position, weights=values), np.bincount(position)
    generator = np.random.default_rng(SEED)
    means = np.empty(NUM_RESAMPLES)
    for k in range(NUM_RESAMPLES):
        drawn = generator.integers(0, counts.size, counts.size)
        means[k] = sums[drawn].sum() / counts[drawn].sum()
    low, high = np.quantile(means, [0.5 - COVERAGE / 2.0, 0.5 + COVERAGE / 2.0]).tolist()
    return Interval(low, high)


def baseline_scores(beliefs: FloatArray, outcomes: BoolArray) -> FloatArray:
    """
    Compute `100 (1 + log2 p)` of the probability given to what happened; 0 for a half, 100 for certainty.

    Args:
        beliefs: Strictly between 0 and 1, shape (n,).
        outcomes: Whether each came true, shape (n,).
    """
    scores: FloatArray = 100.0 * (1.0 + np.log2(np.where(outcomes, beliefs, 1.0 - beliefs)))
    return scores


def peer_scores(beliefs: FloatArray, outcomes: BoolArray, peers: FloatArray) -> FloatArray:
    """
    Compute 100 times the log score above the mean one of the peers.

    Args:
        beliefs: Strictly between 0 and 1, shape (n,).
        outcomes: Whether each came true, shape (n,).
        peers: Mean of ln of the probability that the peers gave to what happened, shape (n,).
    """
    scores: FloatArray = 100.0 * (np.log(np.where(outcomes, beliefs, 1.0 - beliefs)) - peers)
    return scores
