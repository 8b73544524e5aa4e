"""Policy foregraph-2: a calibrated prior, fixed when a claim is stated, and silence as evidence."""

import math
from dataclasses import dataclass, fields, replace

import numpy as np

from graph.inference.log_odds import FloatArray, logit, logits, sigmoids
from graph.inference.policy import BeliefTerms, Formula, PolicyDescription
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY
from graph.inference.predictor_effects import PredictorEffects, learn_effects
from graph.inference.silence import UNLEARNED, TimingShares, silence_log_odds
from graph.inference.statements import (
    DAY,
    ResolvedClaims,
    StatedClaims,
    days_left_when_stated,
    elapsed_shares,
    time_remaining_when_stated,
)
from graph.inference.time import MomentArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedParameters:
    """
    Numbers of a calibrated policy; the defaults were fitted to forecasts of PredictionBook.

    Attributes:
        name: Recorded in ledger rows.
        intercept: Log-odds added to every prior.
        slope: Factor of the bent log-odds h at the deadline.
        slope_loss: Share of it that is lost when the whole window remains, in [0, 1).
        horizon: Log-odds for each unit of ln(1 + days left).
        class_weight: Weight of a reference class's base rate against `population_rate`.
        population_rate: Share of all claims that come true.
        limit: Stated log-odds are limited to plus or minus this: those of .99.
        bend: Largest |h|; h is the stated log-odds where they are small.
        kappa_floor: Smallest kappa.
        kappa_cap: Largest kappa.
        kappa_without_predictor: Kappa of evidence without a predictor.
        days_without_deadline: Days left that count for a claim without a window, all of which remain.
    """

    name: str = "foregraph-2"
    intercept: float = -0.20
    slope: float = 1.45
    slope_loss: float = 0.40
    horizon: float = -0.04
    class_weight: float = 0.35
    population_rate: float = 0.355
    limit: float = 4.595
    bend: float = 3.0
    kappa_floor: float = 0.10
    kappa_cap: float = 1.00
    kappa_without_predictor: float = 0.5
    days_without_deadline: float = 364.0


@dataclass(frozen=True, slots=True)
class CalibratedPolicy:
    """
    Policy foregraph-2, or one of its kind with other numbers.

    Attributes:
        parameters: Numbers and name.
        timing: Shares of what comes true that come true before the deadline; those of a graph once learned.
    """

    parameters: CalibratedParameters = CalibratedParameters()
    timing: TimingShares = UNLEARNED

    @property
    def name(self) -> str:
        """Name, recorded in ledger rows."""
        return self.parameters.name

    @property
    def missed_check_in_llr(self) -> float:
        """Log-likelihood ratio of a missed check-in: 0, since silence is counted as it lasts."""
        return 0.0

    def prior_log_odds(self, claims: StatedClaims) -> FloatArray:
        """Compute the calibrated prior."""
        bent = self.bent(claims.stated)
        return self._population(claims, bent) + self._predictor(claims, bent) + self._reference_class(claims)

    def beliefs(self, claims: StatedClaims, inside_log_odds: FloatArray, moments: MomentArray) -> FloatArray:
        """Add the silence until each moment."""
        if not np.isfinite(inside_log_odds).all():
            message = "expected finite inside log-odds, got NaN or an infinity"
            raise ValueError(message)
        log_odds = inside_log_odds + self.silence(claims, moments)
        return np.clip(sigmoids(log_odds), LEAST_PROBABILITY, GREATEST_PROBABILITY)

    def terms(self, claims: StatedClaims, inside_log_odds: FloatArray, moments: MomentArray) -> BeliefTerms:
        """Return the terms."""
        bent = self.bent(claims.stated)
        stated = logits(claims.stated)
        silence = self.silence(claims, moments)
        nothing = np.zeros(np.broadcast_shapes(stated.shape, inside_log_odds.shape, silence.shape))
        return BeliefTerms(
            stated=stated + nothing,
            population=self._population(claims, bent) - stated + nothing,
            predictor=self._predictor(claims, bent) + nothing,
            reference_class=self._reference_class(claims) + nothing,
            silence=silence + nothing,
            evidence=inside_log_odds - self.prior_log_odds(claims) + nothing,
        )

    def variances(
        self, claims: StatedClaims, effects: PredictorEffects, rate_variances: FloatArray, moments: MomentArray
    ) -> FloatArray:
        """Add the variances of the predictor's effects and of the class's term, which time does not change."""
        of_class = self.parameters.class_weight**2 * rate_variances
        return effects.variance_at(self.bent(claims.stated)) + of_class + np.zeros(moments.shape)

    def effects(self, record: ResolvedClaims) -> PredictorEffects:
        """Fit a and b to the outcomes."""
        bent = self.bent(record.claims.stated)
        offsets = self._population(record.claims, bent) + self._reference_class(record.claims)
        return learn_effects(offsets, bent, record.outcomes, record.questions)

    def evidence_kappa(self, record: ResolvedClaims | None, *, submitter_kappa: float | None = None) -> float:
        """Compute 1 + b, limited."""
        if record is None:
            return self.parameters.kappa_without_predictor if submitter_kappa is None else submitter_kappa
        return min(self.parameters.kappa_cap, max(self.parameters.kappa_floor, 1.0 + self.effects(record).slope))

    def with_timing(self, shares: TimingShares) -> "CalibratedPolicy":
        """Return the policy with other shares."""
        return replace(self, timing=shares)

    def bent(self, stated: FloatArray) -> FloatArray:
        """
        Compute h: the stated log-odds x, limited and bent, `3 tanh(x / 3)`.

        Raises:
            ValueError: A probability is not strictly between 0 and 1.
        """
        limited = np.clip(logits(stated), -self.parameters.limit, self.parameters.limit)
        bend = self.parameters.bend
        # Elements one by one, for the reason given at `log_odds.logits`; so are the logarithms below.
        return np.array([bend * math.tanh(x / bend) for x in limited.ravel().tolist()]).reshape(limited.shape)

    def silence(self, claims: StatedClaims, moments: MomentArray) -> FloatArray:
        """Compute the log-likelihood ratio of nothing having happened until each moment; 0 or less."""
        return silence_log_odds(self.shares(claims), elapsed_shares(claims, moments))

    def horizons(self, claims: StatedClaims) -> tuple[FloatArray, FloatArray]:
        """Compute TRF0 and D0, those of a claim without a window included."""
        trfs, days = time_remaining_when_stated(claims), days_left_when_stated(claims)
        without = self.parameters.days_without_deadline
        return np.where(np.isnan(trfs), 1.0, trfs), np.where(np.isnan(days), without, days)

    def shares(self, claims: StatedClaims) -> FloatArray:
        """Return f, the share of true claims that come true before their deadline, by each window's length."""
        return self.timing.of_windows((claims.deadlines - claims.starts) / DAY)

    def _population(self, claims: StatedClaims, bent: FloatArray) -> FloatArray:
        numbers = self.parameters
        trfs, days = self.horizons(claims)
        horizons = np.array([math.log1p(day) for day in days.ravel().tolist()]).reshape(days.shape)
        slopes = numbers.slope * (1.0 - numbers.slope_loss * trfs)
        return numbers.intercept + slopes * bent + numbers.horizon * horizons

    def _predictor(self, claims: StatedClaims, bent: FloatArray) -> FloatArray:
        return claims.intercept_effects + claims.slope_effects * bent

    def _reference_class(self, claims: StatedClaims) -> FloatArray:
        numbers = self.parameters
        rates = np.where(np.isnan(claims.base_rates), numbers.population_rate, claims.base_rates)
        return numbers.class_weight * (logits(rates) - logit(numbers.population_rate))

    def description(self) -> PolicyDescription:
        """Return formulas and parameters."""
        numbers = self.parameters
        return PolicyDescription(
            name=numbers.name,
            formulas=(
                Formula(
                    "h", f"{numbers.bend:g} tanh(logit(stated) / {numbers.bend:g}), logit within {numbers.limit:g}"
                ),
                Formula(
                    "prior",
                    f"{numbers.intercept:g} + {numbers.slope:g} h (1 - {numbers.slope_loss:g} TRF0) "
                    f"{numbers.horizon:+g} ln(1 + D0) + a + b h, TRF0 and D0 (days left) when stated; "
                    f"with a class + {numbers.class_weight:g} (logit(base rate) - logit({numbers.population_rate:g}))",
                ),
                Formula(
                    "kappa",
                    f"1 + b, within {numbers.kappa_floor:g} and {numbers.kappa_cap:g}; "
                    f"{numbers.kappa_without_predictor:g} without a predictor",
                ),
                Formula("inside", "prior + sum(kappa * llr)"),
                Formula("silence", "ln(1 - f s), s the elapsed share of the days left when stated"),
                Formula("posterior", "sigmoid(inside + silence)"),
            ),
            parameters={
                each.name: value for each in fields(numbers) if isinstance(value := getattr(numbers, each.name), float)
            }
            | {"timing_share_short": self.timing.short, "timing_share_long": self.timing.long},
        )
