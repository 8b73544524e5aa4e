"""Backtest: policies replayed over recorded forecasts, scored side by side, and compared with intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graph.inference.comparing import (
    PairedDifference,
    baseline_scores,
    paired_difference,
    peer_scores,
)
from graph.inference.log_odds import FloatArray
from graph.inference.pieces import mean_squared_errors
from graph.inference.records import ForecastRecord
from graph.inference.replaying import LEAST_STATED, REPLAYS, STATED, Replay, is_open
from graph.inference.scoring import (
    BoolArray,
    CorpDecomposition,
    ReliabilityBin,
    brier_score,
    corp_decomposition,
    log_score,
    reliability_curve,
)
from graph.inference.statements import DAY, IndexArray
from graph.inference.time import MomentArray

MOMENTS = ("statement", "first quartile", "half", "third quartile", "day before the deadline")
"""Moments of a forecast's remaining time at which beliefs are scored, in order."""

_SHARES = (0.0, 0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class MomentScore:
    """
    Scores of a policy at one of `MOMENTS`, over the forecasts whose questions were still open.

    Attributes:
        moment: One of `MOMENTS`.
        num_forecasts: Number of forecasts; without any, both scores are None.
        brier: Brier score.
        log_score: In nats, probabilities limited to .001 and .999.
    """

    moment: str
    num_forecasts: int
    brier: float | None
    log_score: float | None


@dataclass(frozen=True, slots=True)
class PolicyScores:
    """
    Scores of one policy.

    Attributes:
        policy: Name.
        moments: Scores at each of `MOMENTS`.
        time_weighted_brier: Mean over forecasts of the squared error's mean over the time that each question was open.
        baseline_score: Mean of `100 (1 + log2 p)` at statement.
        peer_score: Mean of 100 times the log score above the standing forecasts of others at statement; None where no
            question had others.
        corp: Calibration at statement.
        curve: Reliability curve at statement.
        skill: 1 minus the Brier score's ratio to that of the stated probabilities; None where theirs is 0.
        difference: Brier score at statement compared with the policy that others are compared with; None for itself.
        is_recommended: Whether it is better than that one beyond doubt.
    """

    policy: str
    moments: tuple[MomentScore, ...]
    time_weighted_brier: float
    baseline_score: float
    peer_score: float | None
    corp: CorpDecomposition
    curve: tuple[ReliabilityBin, ...]
    skill: float | None
    difference: PairedDifference | None
    is_recommended: bool


@dataclass(frozen=True, slots=True)
class Backtest:
    """
    Scores of policies over the same forecasts.

    Attributes:
        num_forecasts: Number of forecasts.
        num_questions: Number of questions.
        num_predictors: Number of predictors.
        against: Name of the policy that others are compared with.
        policies: Scores of each policy.
    """

    num_forecasts: int
    num_questions: int
    num_predictors: int
    against: str
    policies: tuple[PolicyScores, ...]


def backtest(record: ForecastRecord, policies: Sequence[str] = tuple(REPLAYS), *, against: str = STATED) -> Backtest:
    """
    Replay what was recorded, and score policies side by side.

    Forecasts that were recorded after their question's outcome are left out.

    Args:
        record: Questions, forecasts and ledgers.
        policies: Names, of `REPLAYS`.
        against: Name of the policy that the others are compared with.

    Raises:
        ValueError: A name is unknown, or no forecast is left.
    """
    for name in (*policies, against):
        if name not in REPLAYS:
            message = f"expected policies among {', '.join(REPLAYS)}, got {name!r:.80}"
            raise ValueError(message)
    kept = np.flatnonzero(is_open(record.questions, record.forecasts))
    if kept.size == 0:
        message = "expected a forecast on a resolved question before its outcome, got none"
        raise ValueError(message)
    scored = ForecastRecord(record.questions, record.forecasts.take(kept), record.rows)
    beliefs = {name: _Scored(scored, name) for name in dict.fromkeys((*policies, against, STATED))}
    return Backtest(
        num_forecasts=kept.size,
        num_questions=np.unique(scored.forecasts.questions).size,
        num_predictors=np.unique(scored.forecasts.predictors).size,
        against=against,
        policies=tuple(beliefs[name].scores(beliefs[against], beliefs[STATED]) for name in policies),
    )


class _Scored:
    """Beliefs of a policy at each moment, and its errors over time."""

    def __init__(self, record: ForecastRecord, name: str) -> None:
        self.name = name
        self._record = record
        self._outcomes = record.questions.outcomes[record.forecasts.questions]
        replay = REPLAYS[name](record)
        self._at = [_beliefs_at(replay, record, moments) for moments in _moments(record)]
        if name == STATED:  # as they are, where no logarithm is taken
            self._at = [np.where(np.isnan(found), np.nan, record.forecasts.probabilities) for found in self._at]
        self._over_time = _time_weighted_errors(replay, record)
        if name == STATED:
            self._over_time = (record.forecasts.probabilities - self._outcomes) ** 2

    @property
    def errors(self) -> FloatArray:
        """Squared error of each forecast's belief at statement."""
        return (self._at[0] - self._outcomes) ** 2

    def scores(self, against: "_Scored", stated: "_Scored") -> PolicyScores:
        forecasts = self._record.forecasts
        at_statement = self._at[0]
        limited = np.clip(at_statement, LEAST_STATED, 1.0 - LEAST_STATED)
        peers = _peers(self._record)
        has_peers = ~np.isnan(peers)
        brier = brier_score(at_statement, self._outcomes)
        of_stated = brier_score(stated._at[0], self._outcomes)
        difference = None
        if self is not against:
            difference = paired_difference(self.errors, against.errors, forecasts.predictors, forecasts.questions)
        return PolicyScores(
            policy=self.name,
            moments=tuple(
                _moment_score(moment, found, self._outcomes) for moment, found in zip(MOMENTS, self._at, strict=True)
            ),
            time_weighted_brier=_mean(self._over_time),
            baseline_score=_mean(baseline_scores(limited, self._outcomes)),
            peer_score=_mean(peer_scores(limited, self._outcomes, peers)[has_peers]) if has_peers.any() else None,
            corp=corp_decomposition(at_statement, self._outcomes),
            curve=reliability_curve(at_statement, self._outcomes),
            skill=None if of_stated == 0.0 else 1.0 - brier / of_stated,
            difference=difference,
            is_recommended=difference is not None and difference.is_better,
        )


def _moment_score(moment: str, beliefs: FloatArray, outcomes: BoolArray) -> MomentScore:
    open_then = ~np.isnan(beliefs)
    if not open_then.any():
        return MomentScore(moment, 0, None, None)
    found, came_true = beliefs[open_then], outcomes[open_then]
    return MomentScore(
        moment, found.size, brier_score(found, came_true), log_score(found, came_true, clip=LEAST_STATED)
    )


def _moments(record: ForecastRecord) -> list[MomentArray]:
    """Return the moments at which each forecast's belief is scored; NaT where its question was not open then."""
    forecasts, questions = record.forecasts, record.questions
    deadlines = questions.deadlines[forecasts.questions]
    resolved_at = questions.resolved_at[forecasts.questions]
    left = deadlines - forecasts.moments
    later = [forecasts.moments + left * share for share in _SHARES[1:]] + [deadlines - DAY]
    missing = np.datetime64("NaT")
    return [
        forecasts.moments,
        *(np.where((forecasts.moments < moment) & (moment < resolved_at), moment, missing) for moment in later),
    ]


def _beliefs_at(replay: Replay, record: ForecastRecord, moments: MomentArray) -> FloatArray:
    beliefs = np.full(moments.shape, np.nan)
    asked = np.flatnonzero(~np.isnat(moments))
    entries = replay.entries(asked, moments[asked])
    beliefs[asked] = replay.beliefs(entries, moments[asked], moments[asked])
    return beliefs


def _time_weighted_errors(replay: Replay, record: ForecastRecord) -> FloatArray:
    """Return each forecast's mean squared error over the time from its statement to the outcome or the deadline."""
    forecasts, questions = record.forecasts, record.questions
    ends = np.fmin(questions.resolved_at, questions.deadlines)[forecasts.questions]
    ends = np.maximum(ends, forecasts.moments + np.timedelta64(1, "us"))
    of, firsts, lasts = _pieces(replay, record, ends)
    entries = replay.entries(of, firsts)
    errors = mean_squared_errors(
        replay.beliefs(entries, firsts, firsts),
        replay.beliefs(entries, firsts, lasts),
        questions.outcomes[forecasts.questions[of]],
        replay.drift,
    )
    lengths = (lasts - firsts).astype(np.float64)
    totals = np.bincount(of, weights=errors * lengths, minlength=ends.size)
    return totals / np.bincount(of, weights=lengths, minlength=ends.size)


def _pieces(replay: Replay, record: ForecastRecord, ends: MomentArray) -> tuple[IndexArray, MomentArray, MomentArray]:
    """Cut each forecast's time into pieces in which its belief neither jumps nor bends: forecast, start and end."""
    forecasts, rows = record.forecasts, record.rows
    of_breaks = np.concatenate((replay.breaks[0], rows.questions))
    breaks = np.concatenate((replay.breaks[1], rows.moments))
    order = np.lexsort((breaks, of_breaks))
    of_breaks, breaks = of_breaks[order], breaks[order]
    bounds = np.searchsorted(of_breaks, np.arange(record.questions.outcomes.size + 1))
    owners, starts, stops = [], [], []
    for at, (question, first, last) in enumerate(
        zip(forecasts.questions.tolist(), forecasts.moments, ends, strict=True)
    ):
        own = breaks[bounds[question] : bounds[question + 1]]
        inner = own[np.searchsorted(own, first, side="right") : np.searchsorted(own, last, side="left")]
        edges = np.unique(np.concatenate(([first], inner, [last])))
        owners.append(np.full(edges.size - 1, at, np.intp))
        starts.append(edges[:-1])
        stops.append(edges[1:])
    return np.concatenate(owners), np.concatenate(starts), np.concatenate(stops)


def _peers(record: ForecastRecord) -> FloatArray:
    """Return the mean of ln of what others' standing forecasts gave to the outcome; NaN where there were none."""
    forecasts = record.forecasts
    limited = np.clip(forecasts.probabilities, LEAST_STATED, 1.0 - LEAST_STATED)
    given = np.log(np.where(record.questions.outcomes[forecasts.questions], limited, 1.0 - limited)).tolist()
    peers = np.full(limited.shape, np.nan)
    latest: dict[int, float] = {}
    question = -1
    for at, (of, predictor) in enumerate(zip(forecasts.questions.tolist(), forecasts.predictors.tolist(), strict=True)):
        if of != question:
            latest, question = {}, of
        latest.pop(predictor, None)
        if latest:
            peers[at] = math.fsum(latest.values()) / len(latest)
        latest[predictor] = given[at]
    return peers


def _mean(values: FloatArray) -> float:
    return math.fsum(values.tolist()) / values.size
