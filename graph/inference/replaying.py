"""
Replay of forecasts under several policies: the belief that each had at any moment, by what was recorded by then.

A belief follows from an entry: the forecast itself or, where forecasts are pooled, the newest one on the question.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from graph.inference.blended import BlendedPolicy
from graph.inference.calibrated import CalibratedPolicy
from graph.inference.consensus import pool, pooled_log_odds
from graph.inference.log_odds import FloatArray, expit
from graph.inference.pieces import Drift
from graph.inference.policies import FOREGRAPH_1, FOREGRAPH_2
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY
from graph.inference.predictor_effects import PredictorEffects, learn_effects
from graph.inference.records import ForecastRecord, Forecasts, ResolvedQuestions, count_until
from graph.inference.scoring import BoolArray
from graph.inference.silence import LONG_PRIOR, LONG_WINDOW_DAYS, SHORT_PRIOR, silence_log_odds
from graph.inference.statements import DAY, IndexArray, StatedClaims, elapsed_shares
from graph.inference.time import MomentArray

LEAST_STATED = 0.001
"""Stated probabilities are limited to this and its complement where they have to have log-odds or a logarithm."""

STATED = "stated"
POOLED = f"{FOREGRAPH_2.name}-pooled"


class Replay(Protocol):
    """Beliefs of one policy about the questions of a record."""

    @property
    def drift(self) -> Drift:
        """Quantity of a belief that is linear in time between two breaks."""

    @property
    def breaks(self) -> tuple[IndexArray, MomentArray]:
        """Questions, ascending, and moments at which beliefs jump or bend, besides those of the ledger's rows."""

    def entries(self, forecasts: IndexArray, moments: MomentArray) -> IndexArray:
        """Return the entry that each forecast's belief follows from at a moment."""

    def beliefs(self, entries: IndexArray, known_until: MomentArray, moments: MomentArray) -> FloatArray:
        """
        Compute beliefs, strictly between 0 and 1.

        Args:
            entries: Shape (n,).
            known_until: Moment until which the ledger's rows count, shape (n,).
            moments: Moment of each belief, shape (n,).
        """


def stated_claims(questions: ResolvedQuestions, forecasts: Forecasts) -> StatedClaims:
    """Return each forecast as a claim that is stated with its probability, limited, by a predictor without a record."""
    of = forecasts.questions
    nothing = np.zeros(of.shape)
    return StatedClaims(
        stated=np.clip(forecasts.probabilities, LEAST_STATED, 1.0 - LEAST_STATED),
        stated_at=forecasts.moments,
        starts=questions.starts[of],
        deadlines=questions.deadlines[of],
        base_rates=questions.base_rates[of],
        intercept_effects=nothing,
        slope_effects=nothing,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    """Sums of a record's ledger rows, weighted by one policy."""

    record: ForecastRecord
    sums: FloatArray

    @classmethod
    def make(cls, record: ForecastRecord, weighted: FloatArray) -> "_Evidence":
        return cls(record, np.concatenate(([0.0], np.cumsum(weighted))))

    def between(self, entries: IndexArray, until: MomentArray) -> FloatArray:
        """Sum the rows recorded after each entry and until a moment."""
        rows, forecasts = self.record.rows, self.record.forecasts
        of = forecasts.questions[entries]
        first = count_until(rows.questions, rows.moments, of, forecasts.moments[entries])
        last = count_until(rows.questions, rows.moments, of, until)
        return self.sums[last] - self.sums[first]


class StatedReplay:
    """The probability as it was stated, whatever happens."""

    drift = Drift.LOG_ODDS

    def __init__(self, record: ForecastRecord) -> None:
        self._stated = np.clip(record.forecasts.probabilities, LEAST_STATED, 1.0 - LEAST_STATED)
        self.breaks = _no_breaks()

    def entries(self, forecasts: IndexArray, moments: MomentArray) -> IndexArray:
        """Return the forecasts themselves."""
        return forecasts

    def beliefs(self, entries: IndexArray, known_until: MomentArray, moments: MomentArray) -> FloatArray:
        """Return the stated probabilities, limited."""
        return self._stated[entries]


class BlendedReplay:
    """Policy foregraph-1."""

    drift = Drift.LOG_ODDS

    def __init__(self, record: ForecastRecord, policy: BlendedPolicy = FOREGRAPH_1) -> None:
        self._policy = policy
        self._claims = stated_claims(record.questions, record.forecasts)
        self._prior = policy.prior_log_odds(self._claims)
        self._evidence = _Evidence.make(record, record.rows.adjusted_llrs)
        self.breaks = _window_starts(record.questions)

    def entries(self, forecasts: IndexArray, moments: MomentArray) -> IndexArray:
        """Return the forecasts themselves."""
        return forecasts

    def beliefs(self, entries: IndexArray, known_until: MomentArray, moments: MomentArray) -> FloatArray:
        """Blend each stated probability and its evidence with the base rate."""
        inside = self._prior[entries] + self._evidence.between(entries, known_until)
        return self._policy.beliefs(self._claims.take(entries), inside, moments)


class CalibratedReplay:
    """Policy foregraph-2; predictors, their evidence and timing by the outcomes known when each forecast was made."""

    drift = Drift.ODDS

    def __init__(self, record: ForecastRecord, policy: CalibratedPolicy = FOREGRAPH_2) -> None:
        learner = _Learner(record, policy)
        forecasts = record.forecasts
        found = learner.effects(forecasts.predictors, forecasts.moments)
        claims = replace(
            learner.claims,
            intercept_effects=np.array([each.intercept for each in found]),
            slope_effects=np.array([each.slope for each in found]),
        )
        self._silence = _Silence(claims, _timing_shares(record, claims))
        self._prior = policy.prior_log_odds(claims)
        self._evidence = _Evidence.make(record, learner.weighted_rows())
        self.breaks = _window_starts(record.questions)

    def entries(self, forecasts: IndexArray, moments: MomentArray) -> IndexArray:
        """Return the forecasts themselves."""
        return forecasts

    def beliefs(self, entries: IndexArray, known_until: MomentArray, moments: MomentArray) -> FloatArray:
        """Add evidence and silence to each calibrated prior."""
        inside = self._prior[entries] + self._evidence.between(entries, known_until)
        return self._silence.beliefs(inside, entries, moments)


class PooledReplay:
    """Policy foregraph-2 with all forecasts on a question pooled."""

    drift = Drift.ODDS

    def __init__(self, record: ForecastRecord, policy: CalibratedPolicy = FOREGRAPH_2) -> None:
        learner = _Learner(record, policy)
        self._record = record
        forecasts = record.forecasts
        means, nums_voices = _pooled(forecasts, learner.bent)
        trfs, days = policy.horizons(learner.claims)
        self._prior = pooled_log_odds(means, nums_voices, trfs, days)
        self._silence = _Silence(learner.claims, _timing_shares(record, learner.claims))
        self._evidence = _Evidence.make(record, learner.weighted_rows())
        starts = _window_starts(record.questions)
        questions = np.concatenate((starts[0], forecasts.questions))
        moments = np.concatenate((starts[1], forecasts.moments))
        order = np.lexsort((moments, questions))
        self.breaks = questions[order], moments[order]

    def entries(self, forecasts: IndexArray, moments: MomentArray) -> IndexArray:
        """Return the newest forecast on each question."""
        every = self._record.forecasts
        return count_until(every.questions, every.moments, every.questions[forecasts], moments) - 1

    def beliefs(self, entries: IndexArray, known_until: MomentArray, moments: MomentArray) -> FloatArray:
        """Add evidence and silence since the newest forecast to the pooled prior."""
        inside = self._prior[entries] + self._evidence.between(entries, known_until)
        return self._silence.beliefs(inside, entries, moments)


REPLAYS: dict[str, Callable[[ForecastRecord], Replay]] = {
    STATED: StatedReplay,
    FOREGRAPH_1.name: BlendedReplay,
    FOREGRAPH_2.name: CalibratedReplay,
    POOLED: PooledReplay,
}
"""Replays by the name of what they replay."""


class _Silence:
    """Silence since each entry, with the timing known when it was made."""

    def __init__(self, claims: StatedClaims, shares: FloatArray) -> None:
        self._claims = claims
        self._shares = shares

    def beliefs(self, inside: FloatArray, entries: IndexArray, moments: MomentArray) -> FloatArray:
        elapsed = elapsed_shares(self._claims.take(entries), moments)
        log_odds = inside + silence_log_odds(self._shares[entries], elapsed)
        return np.clip(expit(log_odds), LEAST_PROBABILITY, GREATEST_PROBABILITY)


class _Learner:
    """Lessons of predictors' outcomes, by what was known at a moment."""

    def __init__(self, record: ForecastRecord, policy: CalibratedPolicy) -> None:
        self.claims = stated_claims(record.questions, record.forecasts)
        self.bent = policy.bent(self.claims.stated)
        self._offsets = policy.prior_log_odds(self.claims)
        self._record = record
        self._policy = policy
        questions, forecasts = record.questions, record.forecasts
        self._outcomes = questions.outcomes[forecasts.questions]
        counted_at = _counted_at(questions)[forecasts.questions]
        self._own: dict[int, tuple[IndexArray, MomentArray]] = {}
        for predictor, own in _grouped(forecasts.predictors).items():
            order = own[np.argsort(counted_at[own], kind="stable")]
            self._own[predictor] = order, counted_at[order]
        self._fitted: dict[tuple[int, int], PredictorEffects] = {}

    def effects(self, predictors: Sequence[int] | IndexArray, moments: MomentArray) -> list[PredictorEffects]:
        """Return each predictor's effects by the outcomes that count at a moment."""
        return [self._effects(int(predictor), moment) for predictor, moment in zip(predictors, moments, strict=True)]

    def _effects(self, predictor: int, moment: np.datetime64) -> PredictorEffects:
        own, counted_at = self._own.get(predictor, (np.empty(0, np.intp), np.empty(0, "datetime64[us]")))
        num_known = int(np.searchsorted(counted_at, moment, side="right"))
        if (predictor, num_known) not in self._fitted:
            known = own[:num_known]
            questions = self._record.forecasts.questions[known]
            self._fitted[predictor, num_known] = learn_effects(
                self._offsets[known], self.bent[known], self._outcomes[known], questions
            )
        return self._fitted[predictor, num_known]

    def weighted_rows(self) -> FloatArray:
        """Weight the ledger's rows by the kappa of their predictors, by the outcomes known when each was recorded."""
        rows, numbers = self._record.rows, self._policy.parameters
        kappas = np.full(rows.llrs.shape, numbers.kappa_without_predictor)
        named = np.flatnonzero(rows.predictors >= 0)
        slopes = [each.slope for each in self.effects(rows.predictors[named], rows.moments[named])]
        kappas[named] = np.clip(1.0 + np.array(slopes), numbers.kappa_floor, numbers.kappa_cap)
        return kappas * rows.llrs


def _counted_at(questions: ResolvedQuestions) -> MomentArray:
    """Return the moments from which outcomes count: once they are known and due; see `is_counted`."""
    return np.fmax(questions.known_at, questions.deadlines)


def _timing_shares(record: ForecastRecord, claims: StatedClaims) -> FloatArray:
    """Return f for each forecast, learned from the claims that came true and were due by its moment."""
    questions = record.questions
    counted_at = _counted_at(questions)
    days = (questions.deadlines - questions.starts) / DAY
    is_early = questions.resolved_at < questions.deadlines.astype("datetime64[D]")
    lengths = (claims.deadlines - claims.starts) / DAY
    shares = np.zeros(lengths.shape)
    for prior, of_questions, of_claims in (
        (SHORT_PRIOR, days < LONG_WINDOW_DAYS, lengths < LONG_WINDOW_DAYS),
        (LONG_PRIOR, days >= LONG_WINDOW_DAYS, lengths >= LONG_WINDOW_DAYS),
    ):
        learned_from = np.flatnonzero(of_questions & questions.outcomes)
        order = learned_from[np.argsort(counted_at[learned_from], kind="stable")]
        nums_early = np.concatenate(([0], np.cumsum(is_early[order])))
        nums_true = np.searchsorted(counted_at[order], claims.stated_at[of_claims], side="right")
        learned = [
            prior.after(int(early), int(true)) for early, true in zip(nums_early[nums_true], nums_true, strict=True)
        ]
        shares[of_claims] = learned
    return shares


def _pooled(forecasts: Forecasts, bent: FloatArray) -> tuple[FloatArray, IndexArray]:
    """Return the weighted mean of h and the number of voices on the question after each forecast."""
    means, nums_voices = np.empty(bent.shape), np.empty(bent.shape, np.intp)
    latest: dict[int, int] = {}
    question = -1
    for at, (of, predictor) in enumerate(zip(forecasts.questions.tolist(), forecasts.predictors.tolist(), strict=True)):
        if of != question:
            latest, question = {}, of
        latest.pop(predictor, None)  # so that its newest forecast is last
        latest[predictor] = at
        standing = np.fromiter(latest.values(), np.intp, len(latest))
        pooled = pool(forecasts.clusters[standing])
        means[at], nums_voices[at] = pooled.mean(bent[standing]), pooled.num_voices
    return means, nums_voices


def _grouped(numbers: IndexArray) -> dict[int, IndexArray]:
    """Return the indices at which each number stands."""
    found: dict[int, list[int]] = defaultdict(list)
    for at, number in enumerate(numbers.tolist()):
        found[number].append(at)
    return {number: np.array(places, np.intp) for number, places in found.items()}


def _no_breaks() -> tuple[IndexArray, MomentArray]:
    return np.empty(0, np.intp), np.empty(0, "datetime64[us]")


def _window_starts(questions: ResolvedQuestions) -> tuple[IndexArray, MomentArray]:
    of: IndexArray = np.flatnonzero(~np.isnat(questions.starts))
    return of, questions.starts[of]


def is_open(questions: ResolvedQuestions, forecasts: Forecasts) -> BoolArray:
    """Return which forecasts were recorded before their question's outcome; others are no forecasts."""
    found: BoolArray = forecasts.moments < questions.resolved_at[forecasts.questions]
    return found
