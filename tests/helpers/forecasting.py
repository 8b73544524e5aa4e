"""Forecasts of a made-up world whose truth is known: what stays open comes true less often, and people say too much."""

import numpy as np

from graph.inference.log_odds import expit
from graph.inference.records import ForecastRecord, Forecasts, LedgerRows, ResolvedQuestions

DAY_US = 86_400_000_000


def no_rows() -> LedgerRows:
    """No evidence on anything."""
    nothing, moments = np.empty(0, np.int64), np.empty(0, "datetime64[us]")
    return LedgerRows(nothing, moments, np.empty(0), np.empty(0), nothing)


def world(seed: int, num_questions: int = 600, *, most_voices: int = 12) -> ForecastRecord:
    """
    Make questions with a hidden log-odds each, and forecasters who see them with noise, too boldly and too high.

    What comes true does so before its deadline in four of ten cases, evenly over the window.
    """
    generator = np.random.default_rng(seed)
    hidden = generator.normal(-0.8, 1.3, num_questions)
    outcomes = generator.random(num_questions) < expit(hidden)
    starts = np.datetime64("2015-01-01", "us") + generator.integers(0, 2_000, num_questions) * DAY_US
    days = generator.integers(30, 700, num_questions)
    deadlines = starts + days * DAY_US
    is_early = outcomes & (generator.random(num_questions) < 0.4)
    waits = np.where(is_early, generator.random(num_questions), 1.0)
    resolved_at = starts + (waits * days * DAY_US).astype(np.int64) + 1
    questions = ResolvedQuestions(starts, deadlines, np.full(num_questions, np.nan), outcomes, resolved_at, resolved_at)
    counts = generator.integers(1, most_voices + 1, num_questions)
    of = np.repeat(np.arange(num_questions), counts)
    predictors = generator.integers(0, 60, of.size)
    boldness, lean = generator.normal(1.5, 0.2, 60), generator.normal(0.5, 0.2, 60)
    seen = hidden[of] + generator.normal(0.0, 1.0, of.size)
    probabilities = np.clip(np.round(expit(lean[predictors] + boldness[predictors] * seen), 2), 0.01, 0.99)
    moments = starts[of] + (generator.random(of.size) ** 2 * 0.9 * days[of] * DAY_US).astype(np.int64)
    order = np.lexsort((moments, of))
    forecasts = Forecasts(of[order], predictors[order], np.arange(of.size), probabilities[order], moments[order])
    return ForecastRecord(questions, forecasts, no_rows())
