"""A graph's forecasts, outcomes and evidence as arrays, in the order in which they became known."""

from dataclasses import dataclass

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.scoring import BoolArray, CountArray
from graph.inference.statements import IndexArray
from graph.inference.time import MomentArray


@dataclass(frozen=True, slots=True, eq=False)
class ResolvedQuestions:
    """
    Claims that came true or false, each array of shape (m,).

    Attributes:
        starts: Start of the window; NaT without a window.
        deadlines: End of the window; NaT without a window.
        base_rates: Rate of the reference class; NaN without a class.
        outcomes: Whether it came true.
        resolved_at: Moment of the outcome.
        known_at: Moment at which the outcome was recorded, from which others can learn of it; not before it.
    """

    starts: MomentArray
    deadlines: MomentArray
    base_rates: FloatArray
    outcomes: BoolArray
    resolved_at: MomentArray
    known_at: MomentArray


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """
    Forecasts ordered by question, then by moment; each array of shape (n,).

    Attributes:
        questions: Index of the question.
        predictors: Number of the predictor.
        clusters: Number of the cluster; a forecast outside any has a number of its own.
        probabilities: In [0, 1].
        moments: When each was recorded.
    """

    questions: IndexArray
    predictors: CountArray
    clusters: CountArray
    probabilities: FloatArray
    moments: MomentArray

    def take(self, indices: IndexArray) -> "Forecasts":
        """Return some of the forecasts."""
        return Forecasts(*(getattr(self, name)[indices] for name in Forecasts.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class LedgerRows:
    """
    Rows of ledgers ordered by question, then by moment; each array of shape (k,).

    Attributes:
        questions: Index of the question.
        moments: When each was recorded.
        llrs: Log-likelihood ratio before any kappa; 0 for what counts as silence.
        adjusted_llrs: What the row added when it was recorded.
        predictors: Number of the predictor, -1 without one.
    """

    questions: IndexArray
    moments: MomentArray
    llrs: FloatArray
    adjusted_llrs: FloatArray
    predictors: CountArray


@dataclass(frozen=True, slots=True, eq=False)
class ForecastRecord:
    """
    All that a backtest replays.

    Attributes:
        questions: Resolved claims.
        forecasts: On them, each before its question's outcome.
        rows: Their ledgers.
    """

    questions: ResolvedQuestions
    forecasts: Forecasts
    rows: LedgerRows


def count_until(
    groups: IndexArray, moments: MomentArray, asked_groups: IndexArray, asked_moments: MomentArray
) -> IndexArray:
    """
    Count the rows before or at each pair asked: those of earlier groups and those of its own group by then.

    Args:
        groups: Group of each row, ascending, shape (n,).
        moments: Moment of each row, ascending within its group, shape (n,).
        asked_groups: Of any shape.
        asked_moments: Of the same shape.
    """
    ordered = np.unique(np.concatenate((moments, asked_moments.ravel())))
    width = np.int64(ordered.size + 1)
    keys = groups * width + np.searchsorted(ordered, moments)
    asked = asked_groups * width + np.searchsorted(ordered, asked_moments)
    found: IndexArray = np.searchsorted(keys, asked, side="right")
    return found
