"""Effects of a predictor on the calibrated prior of its claims, learned from outcomes."""

from dataclasses import dataclass

import numpy as np

from graph.inference.log_odds import FloatArray, expit
from graph.inference.scoring import BoolArray, CountArray
from graph.inference.time import MomentArray

EFFECT_DEVIATION = 0.3
"""Prior standard deviation of both effects."""

OUTCOME_WEIGHT = 0.1
"""Weight of a question's outcome: many a predictor's questions are of one kind, so their errors are no ten errors."""

MAX_STEPS = 100
"""Newton needs some five steps, each halved at most a few times."""

NO_GAIN = 1e-12
"""A Newton step with a smaller expected gain of log-posterior is the last; its error is squared."""


@dataclass(frozen=True, slots=True)
class PredictorEffects:
    """
    Normal approximation of a predictor's effects: a is added to the prior's log-odds, b to its slope.

    Attributes:
        intercept: a, the mode.
        slope: b, the mode.
        intercept_variance: Variance of a.
        slope_variance: Variance of b.
        covariance: Of a and b.
        num_questions: Number of questions with an outcome that they are learned from.
    """

    intercept: float = 0.0
    slope: float = 0.0
    intercept_variance: float = EFFECT_DEVIATION**2
    slope_variance: float = EFFECT_DEVIATION**2
    covariance: float = 0.0
    num_questions: int = 0

    def variance_at(self, bent: FloatArray) -> FloatArray:
        """Compute the variance of `a + b h` for each h."""
        return self.intercept_variance + 2.0 * self.covariance * bent + self.slope_variance * bent**2


NO_EFFECTS = PredictorEffects()
"""Those of a predictor without outcomes."""


def is_counted(deadlines: MomentArray, known_at: MomentArray, moment: np.datetime64) -> BoolArray:
    """
    Return which outcomes count at a moment: those known by then of claims that were due by then.

    An early "yes" waits until its claim is due. A batch of claims shows its early ones first, so that counting them at
    once would take a calibrated predictor for one who says too little.

    Args:
        deadlines: End of each claim's window, shape (n,); NaT without a window, which is due with its outcome.
        known_at: Moment at which each outcome was recorded, shape (n,); NaT where there is none.
        moment: Inclusive.
    """
    is_due: BoolArray = (known_at <= moment) & (np.isnat(deadlines) | (deadlines <= moment))
    return is_due


def question_weights(questions: CountArray) -> FloatArray:
    """
    Divide `OUTCOME_WEIGHT` among the outcomes of each question, so that a question counts once.

    Args:
        questions: Number of each outcome's question, shape (n,).
    """
    _, position, sizes = np.unique(questions, return_inverse=True, return_counts=True)
    weights: FloatArray = OUTCOME_WEIGHT / sizes[position]
    return weights


def learn_effects(
    offsets: FloatArray, bent: FloatArray, outcomes: BoolArray, questions: CountArray
) -> PredictorEffects:
    """
    Fit `logit P(true) = offset + a + b h` with a, b ~ N(0, `EFFECT_DEVIATION`²) by Laplace's method.

    The log-posterior is strictly concave, so Newton's method with halved steps finds its maximum.

    Args:
        offsets: Prior log-odds of each claim without any effect of the predictor, shape (n,); n may be 0.
        bent: h of each claim, shape (n,).
        outcomes: Whether it came true, shape (n,).
        questions: Number of its question, shape (n,); outcomes of one question count as one.

    Raises:
        ValueError: The shapes differ.

    Source: Tierney and Kadane, Journal of the American Statistical Association 81 (1986), 82-86.
    """
    if not offsets.shape == bent.shape == outcomes.shape == questions.shape:
        message = f"expected arrays of one shape, got {offsets.shape}, {bent.shape}, {outcomes.shape}"
        raise ValueError(message)
    if offsets.size == 0:
        return NO_EFFECTS
    outcomes_seen = _Outcomes(offsets, bent, outcomes, question_weights(questions))
    mode = _mode(outcomes_seen)
    _, precision = outcomes_seen.derivatives(mode)
    determinant = precision[0, 0] * precision[1, 1] - precision[0, 1] ** 2
    return PredictorEffects(
        intercept=float(mode[0]),
        slope=float(mode[1]),
        intercept_variance=float(precision[1, 1] / determinant),
        slope_variance=float(precision[0, 0] / determinant),
        covariance=float(-precision[0, 1] / determinant),
        num_questions=int(np.unique(questions).size),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Outcomes:
    """Outcomes with their weights, and the log-posterior of effects given them."""

    offsets: FloatArray
    bent: FloatArray
    outcomes: BoolArray
    weights: FloatArray

    def log_posterior(self, effects: FloatArray) -> float:
        """Return the logarithm of the posterior density, up to a constant."""
        log_odds = self.offsets + effects[0] + effects[1] * self.bent
        missed = np.logaddexp(0.0, np.where(self.outcomes, -log_odds, log_odds))
        return -float(self.weights @ missed) - float(effects @ effects) / (2.0 * EFFECT_DEVIATION**2)

    def derivatives(self, effects: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the gradient of the log-posterior and the negative of its Hessian."""
        fitted = expit(self.offsets + effects[0] + effects[1] * self.bent)
        missed = self.weights * (self.outcomes - fitted)
        spread = self.weights * fitted * (1.0 - fitted)
        gradient = np.array([missed.sum(), missed @ self.bent]) - effects / EFFECT_DEVIATION**2
        crossed = spread @ self.bent
        precision = np.array([[spread.sum(), crossed], [crossed, spread @ self.bent**2]])
        return gradient, precision + np.eye(2) / EFFECT_DEVIATION**2


def _mode(outcomes_seen: _Outcomes) -> FloatArray:
    effects = np.zeros(2)
    for _ in range(MAX_STEPS):
        gradient, precision = outcomes_seen.derivatives(effects)
        step: FloatArray = np.linalg.solve(precision, gradient).astype(np.float64)
        if gradient @ step <= NO_GAIN:
            return effects + step
        before = outcomes_seen.log_posterior(effects)
        while outcomes_seen.log_posterior(effects + step) < before:
            step = 0.5 * step
        effects = effects + step
    return effects
