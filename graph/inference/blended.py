"""Policy foregraph-1: the stated probability and evidence, blended with the base rate as long as time remains."""

from dataclasses import dataclass, fields

import numpy as np

from graph.inference.calibration import calibration_record
from graph.inference.evidence import POLICY, BeliefPolicy, missed_check_in
from graph.inference.log_odds import FloatArray, logits
from graph.inference.policy import BeliefTerms, Formula, PolicyDescription
from graph.inference.posterior import posteriors
from graph.inference.predictor_effects import NO_EFFECTS, PredictorEffects
from graph.inference.silence import TimingShares
from graph.inference.statements import ResolvedClaims, StatedClaims
from graph.inference.time import MomentArray, time_remaining_fractions


@dataclass(frozen=True, slots=True)
class BlendedPolicy:
    """
    Policy foregraph-1, or one of its kind with other numbers.

    Attributes:
        parameters: Numbers and name.
    """

    parameters: BeliefPolicy = POLICY

    @property
    def name(self) -> str:
        """Name, recorded in ledger rows."""
        return self.parameters.name

    @property
    def missed_check_in_llr(self) -> float:
        """Log-likelihood ratio of a missed check-in: WEAK AGAINST."""
        return missed_check_in(self.parameters).llr

    def prior_log_odds(self, claims: StatedClaims) -> FloatArray:
        """Compute the log-odds of the stated probabilities."""
        return logits(claims.stated)

    def beliefs(self, claims: StatedClaims, inside_log_odds: FloatArray, moments: MomentArray) -> FloatArray:
        """Blend inside log-odds with base rates, weighted by the time that remains."""
        return posteriors(
            inside_log_odds,
            base_rates=claims.base_rates,
            trfs=time_remaining_fractions(claims.starts, claims.deadlines, moments),
            policy=self.parameters,
        )

    def terms(self, claims: StatedClaims, inside_log_odds: FloatArray, moments: MomentArray) -> BeliefTerms:
        """Return the terms; the blend moves part of the inside log-odds to the base rate, as one term of the class."""
        stated = self.prior_log_odds(claims)
        outside_weights = self._outside_weights(claims, moments)
        outside = logits(np.where(np.isnan(claims.base_rates), 0.5, claims.base_rates))
        inside, outside, stated = np.broadcast_arrays(inside_log_odds, outside, stated)
        nothing = np.zeros(np.broadcast_shapes(inside.shape, outside_weights.shape))
        return BeliefTerms(
            stated=stated + nothing,
            population=nothing,
            predictor=nothing,
            reference_class=outside_weights * (outside - inside),
            silence=nothing,
            evidence=inside - stated + nothing,
        )

    def variances(
        self, claims: StatedClaims, effects: PredictorEffects, rate_variances: FloatArray, moments: MomentArray
    ) -> FloatArray:
        """Compute the share of the base rate's variance in the blend."""
        return self._outside_weights(claims, moments) ** 2 * rate_variances

    def _outside_weights(self, claims: StatedClaims, moments: MomentArray) -> FloatArray:
        trfs = time_remaining_fractions(claims.starts, claims.deadlines, moments)
        is_blended = ~np.isnan(claims.base_rates) & ~np.isnan(trfs)
        return np.where(is_blended, self.parameters.outside_weight * np.nan_to_num(trfs), 0.0)

    def effects(self, record: ResolvedClaims) -> PredictorEffects:
        """Return no effects: predictors weigh in this policy through kappa alone."""
        return NO_EFFECTS

    def evidence_kappa(self, record: ResolvedClaims | None, *, submitter_kappa: float | None = None) -> float:
        """Compute kappa from the calibration slope of the record."""
        if record is not None:
            return calibration_record(record.claims.stated, record.outcomes, policy=self.parameters).kappa
        return self.parameters.kappa_without_predictor if submitter_kappa is None else submitter_kappa

    def with_timing(self, shares: TimingShares) -> "BlendedPolicy":
        """Return itself: it does not use timing."""
        return self

    def description(self) -> PolicyDescription:
        """Return formulas and parameters."""
        numbers = self.parameters
        return PolicyDescription(
            name=numbers.name,
            formulas=(
                Formula("prior", "logit(stated)"),
                Formula(
                    "kappa",
                    f"(n slope + {numbers.kappa_prior_strength:g} * {numbers.kappa_prior:g}) / "
                    f"(n + {numbers.kappa_prior_strength:g}), within {numbers.kappa_floor:g} and "
                    f"{numbers.kappa_cap:g}; {numbers.kappa_without_predictor:g} without a predictor",
                ),
                Formula("inside", "prior + sum(kappa * llr)"),
                Formula("weight", f"1 - {numbers.outside_weight:g} TRF; 1 without a reference class or a window"),
                Formula("posterior", "sigmoid(weight * inside + (1 - weight) * logit(base rate))"),
            ),
            parameters={
                each.name: value
                for each in fields(numbers)
                if isinstance(value := getattr(numbers, each.name), int | float)
            },
        )
