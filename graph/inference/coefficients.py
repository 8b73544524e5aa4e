"""
Coefficients of claims in a weighted sum over time, and what changes of weights and effects did to the sum.

A claim's coefficient is the sum over its edges, each to a ticker, of the ticker's weight times the edge's effect.
Weights and effects change at moments, at which a claim's steps begin.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np

from graph.inference.courses import PlaceArray, count_by, starts_of
from graph.inference.log_odds import FloatArray
from graph.inference.time import MomentArray

MOST_PAIRS: Final = 500_000
"""Pairs of a step and an edge that are laid out at once, some 30 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """
    Weights of t tickers since each of s moments, and effects of k claims on them by e edges over time.

    Attributes:
        edge_starts: Place of each claim's first edge, of which it has one at least, and e, shape (k + 1,).
        tickers: The ticker of each edge, shape (e,).
        effect_starts: Place of each edge's first effect, and their number c, shape (e + 1,).
        effect_sinces: Moments since which an effect holds, ascending within an edge, before the first of which it is 0;
            shape (c,).
        effects: The effects, shape (c,).
        sinces: Moments since which weights hold, ascending, shape (s,).
        weights: The weights, shape (s, t).
    """

    edge_starts: PlaceArray
    tickers: PlaceArray
    effect_starts: PlaceArray
    effect_sinces: MomentArray
    effects: FloatArray
    sinces: MomentArray
    weights: FloatArray

    @property
    def num_claims(self) -> int:
        """Number of claims."""
        return self.edge_starts.size - 1

    def laid_out(self, most_pairs: int = MOST_PAIRS) -> Iterator["Steps"]:
        """Lay out the steps of all claims, some claims at a time; of one claim there may be more pairs than given."""
        first = 0
        while first < self.num_claims:
            # A claim's edges have a step of their own for each change besides those for changes of weights.
            num_pairs = (self.edge_starts[first + 1 :] - self.edge_starts[first]) * self.sinces.size
            end = first + max(1, int(np.searchsorted(num_pairs, most_pairs, side="right")))
            yield _lay_out(self, first, end)
            first = end


@dataclass(frozen=True, eq=False)
class Steps:
    """
    Steps of some claims, and the edges of each claim once for each of its steps: q pairs.

    Attributes:
        first: The first of the m claims.
        starts: Place of each claim's first step, and the number n of all steps, shape (m + 1,).
        sinces: When each step begins, ascending within a claim, shape (n,).
        pair_starts: Place of each step's first pair, and q, shape (n + 1,).
        tickers: The ticker of each pair, shape (q,).
        weights: Its weight in the step, shape (q,).
        effects: The edge's effect in the step, shape (q,).
    """

    first: int
    starts: PlaceArray
    sinces: MomentArray
    pair_starts: PlaceArray
    tickers: PlaceArray
    weights: FloatArray
    effects: FloatArray

    @cached_property
    def coefficients(self) -> FloatArray:
        """The claim's coefficient in each step, the exact sum rounded once, shape (n,)."""
        terms, bounds = (self.weights * self.effects).tolist(), self.pair_starts.tolist()
        sums = [math.fsum(terms[start:end]) for start, end in pairwise(bounds)]
        return np.array(sums, np.float64)


def _lay_out(held: Held, first: int, end: int) -> Steps:
    num_claims, edges = end - first, slice(*held.edge_starts[[first, end]].tolist())
    degrees = np.diff(held.edge_starts[first : end + 1])
    changes = slice(*held.effect_starts[[edges.start, edges.stop]].tolist())
    of_changes = np.repeat(
        np.repeat(np.arange(num_claims), degrees), np.diff(held.effect_starts[edges.start : edges.stop + 1])
    )
    is_later = held.effect_sinces[changes] > held.sinces[0]
    claims = np.concatenate([np.repeat(np.arange(num_claims), held.sinces.size), of_changes[is_later]])
    sinces = np.concatenate([np.tile(held.sinces, num_claims), held.effect_sinces[changes][is_later]])
    if is_later.any():
        order = np.lexsort((sinces, claims))
        claims, sinces = claims[order], sinces[order]
        is_first = np.ones(claims.size, np.bool_)
        is_first[1:] = (claims[1:] != claims[:-1]) | (sinces[1:] != sinces[:-1])
        claims, sinces = claims[is_first], sinces[is_first]
    pair_starts = np.concatenate([[0], np.cumsum(degrees[claims])])
    of_pairs = np.repeat(np.arange(claims.size), degrees[claims])
    pairs = held.edge_starts[first + claims][of_pairs] + np.arange(of_pairs.size) - pair_starts[of_pairs]
    num_effects = count_by(held.effect_starts, held.effect_sinces, pairs, sinces[of_pairs])
    effects = np.zeros(pairs.size)
    has_effect = num_effects > 0
    effects[has_effect] = held.effects[(held.effect_starts[pairs] + num_effects - 1)[has_effect]]
    rows = np.searchsorted(held.sinces, sinces, side="right") - 1
    tickers = held.tickers[pairs]
    return Steps(
        first,
        starts_of(claims, num_claims),
        sinces,
        pair_starts,
        tickers,
        held.weights[rows[of_pairs], tickers],
        effects,
    )
