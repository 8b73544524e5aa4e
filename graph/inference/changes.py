"""Change of a weighted sum of beliefs from one moment to another, split into parts that add up to it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from graph.inference.coefficients import Held, Steps
from graph.inference.courses import Courses, PlaceArray, Records, just_before, starts_of
from graph.inference.log_odds import FloatArray
from graph.inference.time import MomentArray


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """
    Parts of changed effects or weights.

    Attributes:
        claims: The claims, ascending; empty for weights, which concern all claims.
        tickers: The ticker of each part, shape (n,).
        moments: When it was changed.
        deltas: The parts, none of them 0.
    """

    claims: PlaceArray
    tickers: PlaceArray
    moments: MomentArray
    deltas: FloatArray


_NO_MOVES: Final = Moves(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, "datetime64[us]"), np.zeros(0))


@dataclass(frozen=True, slots=True, eq=False)
class SplitSum:
    """
    Parts of a change of the sum over k claims.

    Attributes:
        recorded: Part of each of the records, by the belief just before and at its moment, shape (n,).
        drifts: Part of each claim that comes from time alone, shape (k,).
        effects: Parts of changed effects.
        weights: Parts of changed weights, those of one moment and ticker added up.
    """

    recorded: FloatArray
    drifts: FloatArray
    effects: Moves
    weights: Moves


@dataclass(frozen=True, slots=True, eq=False)
class _Events:
    """
    Moments of some claims at which something was recorded, or a step begins, by claim and then by moment; shape (n,).

    Attributes:
        claims: The claim of each, counted from the first of them.
        moments: Its moment.
        records: The record at the moment; -1 without one.
        steps: The step that begins at the moment; -1 if none does.
    """

    claims: PlaceArray
    moments: MomentArray
    records: PlaceArray
    steps: PlaceArray


def split_sum(courses: Courses, records: Records, held: Held, start: np.datetime64, end: np.datetime64) -> SplitSum:
    """
    Split the change of a sum of what claims count as, times their coefficients.

    At each moment a change of the coefficient comes after what moved the belief.

    Args:
        courses: The claims' histories.
        records: What was recorded of them in between.
        held: Weights and effects, from the start on.
        start: The first moment.
        end: The last.
    """
    recorded, drifts = np.zeros(records.claims.size), np.zeros(held.num_claims)
    of_effects = [_NO_MOVES]
    terms: dict[tuple[np.datetime64, int], list[float]] = {}
    for steps in held.laid_out():
        events = _find_events(records, steps)
        before, recorded_here, drifts_here = _split_beliefs(courses, steps, events, start, end)
        has_record = events.records >= 0
        recorded[events.records[has_record]] = recorded_here[has_record]
        drifts[steps.first : steps.first + drifts_here.size] = drifts_here
        is_change = events.steps >= 0
        beliefs = np.zeros(steps.sinces.size)
        beliefs[events.steps[is_change]] = before[is_change]
        of_effects.append(_move(steps, beliefs, terms))
    names = Moves.__dataclass_fields__
    effects = Moves(*(np.concatenate([getattr(own, name) for own in of_effects]) for name in names))
    sums = [math.fsum(own) for own in terms.values()]
    weights = Moves(
        _NO_MOVES.claims,
        np.array([ticker for _, ticker in terms], np.int64),
        np.array([moment for moment, _ in terms], "datetime64[us]"),
        np.array(sums, np.float64),
    )
    return SplitSum(recorded, drifts, effects, weights)


def _find_events(records: Records, steps: Steps) -> _Events:
    num_claims = steps.starts.size - 1
    first, last = np.searchsorted(records.claims, [steps.first, steps.first + num_claims])
    listed = np.arange(first, last)
    of_steps = np.repeat(np.arange(num_claims), np.diff(steps.starts))
    later = np.flatnonzero(np.arange(of_steps.size) > steps.starts[of_steps])
    claims = np.concatenate([records.claims[listed] - steps.first, of_steps[later]])
    moments = np.concatenate([records.moments[listed], steps.sinces[later]])
    order = np.lexsort((moments, claims))
    claims, moments = claims[order], moments[order]
    is_first = np.ones(order.size, np.bool_)
    is_first[1:] = (claims[1:] != claims[:-1]) | (moments[1:] != moments[:-1])
    places = np.flatnonzero(is_first)
    both = np.full((2, order.size), -1, np.int64)
    both[0, : listed.size], both[1, listed.size :] = listed, later
    own = np.maximum.reduceat(both[:, order], places, axis=1) if places.size else both
    return _Events(claims[places], moments[places], own[0], own[1])


def _split_beliefs(
    courses: Courses, steps: Steps, events: _Events, start: np.datetime64, end: np.datetime64
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """
    Split what claims' beliefs did to the sum.

    Returns:
        Of each event the belief just after what was recorded and the part of the jump then; and each claim's drift.
    """
    num_claims, num_events = steps.starts.size - 1, events.claims.size
    starts = starts_of(events.claims, num_claims)
    every = np.arange(num_claims)
    # Each claim has values at the start, just before and at each of its events, and at the end.
    places = 2 * (np.arange(num_events) + events.claims)
    claims = np.repeat(every, 2 * np.diff(starts) + 2)
    moments = np.full(claims.size, start)
    moments[places + 1], moments[places + 2] = just_before(events.moments), events.moments
    moments[ends := 2 * (starts[1:] + every) + 1] = end
    values = courses.values(steps.first + claims, moments)
    is_change = events.steps >= 0
    num_changes = np.concatenate([[0], np.cumsum(is_change)])
    step = steps.starts[events.claims] + num_changes[:-1] - num_changes[starts[events.claims]]
    coefficients = steps.coefficients
    drifts = coefficients[step] * (values[places + 1] - values[places])
    jumps = coefficients[step + is_change] * (values[places + 2] - values[places + 1])
    terms = np.zeros(2 * num_events + num_claims)
    drift_places = 2 * np.arange(num_events) + events.claims
    terms[drift_places], terms[drift_places + 1] = drifts, np.where(events.records >= 0, 0.0, jumps)
    bounds = np.concatenate([[0], 2 * starts[1:] + every + 1])
    terms[bounds[1:] - 1] = coefficients[steps.starts[1:] - 1] * (values[ends] - values[ends - 1])
    return values[places + 1], jumps, _sums(terms, bounds)


def _sums(terms: FloatArray, bounds: PlaceArray) -> FloatArray:
    """Add up the terms between each two bounds, the exact sums rounded once."""
    listed = terms.tolist()
    return np.array([math.fsum(listed[start:end]) for start, end in pairwise(bounds.tolist())], np.float64)


def _move(steps: Steps, beliefs: FloatArray, terms: dict[tuple[np.datetime64, int], list[float]]) -> Moves:
    """
    Split what changes of coefficients did, and add the terms of weights to those of their moments and tickers.

    Args:
        steps: The steps.
        beliefs: What the claim counts as where each step but a first one begins.
        terms: The terms so far.
    """
    num_claims = steps.starts.size - 1
    degrees = np.diff(steps.pair_starts)
    is_later = np.ones(degrees.size, np.bool_)
    is_later[steps.starts[:-1]] = False
    of_pairs = np.repeat(np.arange(degrees.size), degrees)
    after = np.flatnonzero(is_later[of_pairs])
    own = of_pairs[after]
    before = after - degrees[own]
    weights, effects = steps.weights, steps.effects
    of_weights = (weights[after] - weights[before]) * effects[before] * beliefs[own]
    of_effects = weights[after] * (effects[after] - effects[before]) * beliefs[own]
    _add_terms(terms, steps.sinces[own], steps.tickers[after], of_weights)
    chosen = np.flatnonzero(of_effects)
    claims = steps.first + np.repeat(np.arange(num_claims), np.diff(steps.starts))
    return Moves(claims[own[chosen]], steps.tickers[after[chosen]], steps.sinces[own[chosen]], of_effects[chosen])


def _add_terms(
    terms: dict[tuple[np.datetime64, int], list[float]], moments: MomentArray, tickers: PlaceArray, deltas: FloatArray
) -> None:
    """Add terms to those of their moments and tickers, in the order in which these come first."""
    if not deltas.size:
        return
    known, codes = np.unique(moments, return_inverse=True)
    num_tickers = int(tickers.max()) + 1
    keys, firsts, groups = np.unique(codes * num_tickers + tickers, return_index=True, return_inverse=True)
    order = np.argsort(groups, kind="stable")
    bounds = starts_of(groups[order], keys.size).tolist()
    listed: Sequence[float] = deltas[order].tolist()
    for group in np.argsort(firsts).tolist():
        code, ticker = divmod(int(keys[group]), num_tickers)
        terms.setdefault((known[code], ticker), []).extend(listed[bounds[group] : bounds[group + 1]])
