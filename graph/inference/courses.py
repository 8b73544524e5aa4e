"""Histories of many claims as arrays: the beliefs in them at any moments, and what was recorded of them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.inference.basis import Basis, beliefs_in_silence
from graph.inference.log_odds import FloatArray, logits
from graph.inference.policies import FOREGRAPH_2
from graph.inference.posterior import blend, outside_log_odds
from graph.inference.scoring import BoolArray
from graph.inference.time import MomentArray, time_remaining_fractions

PlaceArray = NDArray[np.int64]

RESTATED, EVIDENT, SETTLED = 0, 1, 2
"""Kinds of what is recorded of a claim; of several at one moment the greatest counts."""

_TICK: Final = np.timedelta64(1, "us")


def count_by(starts: PlaceArray, moments: MomentArray, groups: PlaceArray, asked: MomentArray) -> PlaceArray:
    """
    Count the moments of a group that have come by another moment, for many groups and moments at once.

    Args:
        starts: Place of each group's first moment, and the number of all moments, shape (g + 1,).
        moments: The groups' moments, one group after the other, ascending within each.
        groups: The group that each question is about, shape (q,).
        asked: The moment of each question, shape (q,).

    Returns:
        Shape (q,).
    """
    low, high = starts[groups], starts[groups + 1]
    first = low
    while (is_open := low < high).any():
        middle = (low + high) >> 1
        has_come = moments[np.minimum(middle, moments.size - 1)] <= asked
        low, high = np.where(is_open & has_come, middle + 1, low), np.where(is_open & ~has_come, middle, high)
    return low - first


def just_before(moments: MomentArray) -> MomentArray:
    """Return the last moments before others, as moments are kept."""
    found: MomentArray = (moments - _TICK).astype("datetime64[us]")
    return found


def starts_of(groups: PlaceArray, num_groups: int) -> PlaceArray:
    """Return the place of each group's first element, and their number, shape (g + 1,); `groups` ascends."""
    return np.searchsorted(groups, np.arange(num_groups + 1)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """
    Records of claims, by claim and then by moment, shape (n,) each; a claim has at most one at a moment.

    Attributes:
        claims: The claim of each.
        moments: Its moment.
        kinds: RESTATED, EVIDENT or SETTLED.
        first_rows: Of evidence the place of its first ledger row.
        end_rows: The place after its last.
    """

    claims: PlaceArray
    moments: MomentArray
    kinds: PlaceArray
    first_rows: PlaceArray
    end_rows: PlaceArray


@dataclass(frozen=True, eq=False)
class Courses:
    """
    Histories of k claims: p pieces, within which only evidence and time move the belief, and r ledger rows.

    Attributes:
        piece_starts: Place of each claim's first piece, of which it has one at least, and p, shape (k + 1,).
        sinces: First moment of each piece, ascending within a claim; the first serves before it, too. Shape (p,).
        untils: Moment after which the belief stays as it was then, NaT for an open claim, shape (p,).
        is_stated: Whether a probability was stated, shape (p,).
        basis: What beliefs follow from within each piece but the ledger, shape (p,); any where none was stated.
        row_starts: Place of each claim's first ledger row, and r, shape (k + 1,).
        recorded: When each row was recorded, ascending within a claim, shape (r,).
        log_odds: Inside log-odds after each row, finite, shape (r,).
        check_ins: The part of them that comes from missed check-ins, shape (r,).
        outcomes: What a claim counts as once its outcome is known, NaN for one that is open now, shape (k,).

    Raises:
        ValueError: The log-odds are not finite.
    """

    piece_starts: PlaceArray
    sinces: MomentArray
    untils: MomentArray
    is_stated: BoolArray
    basis: Basis
    row_starts: PlaceArray
    recorded: MomentArray
    log_odds: FloatArray
    check_ins: FloatArray
    outcomes: FloatArray

    def __post_init__(self) -> None:
        if not np.isfinite(self.log_odds).all():
            message = "expected finite log-odds, got NaN or an infinity"
            raise ValueError(message)

    def beliefs(self, claims: PlaceArray, moments: MomentArray) -> FloatArray:
        """
        Compute the belief in a claim at a moment, by what was recorded by then, for many of both at once.

        It equals `history.course_beliefs_at` to the last bit.

        Args:
            claims: The claim of each question, shape (q,).
            moments: Its moment, none of them NaT, shape (q,).

        Returns:
            Shape (q,); NaN while no probability was stated.
        """
        pieces = self._pieces(claims, moments)
        found = np.full(claims.shape, np.nan)
        chosen = self.is_stated[pieces]
        found[chosen] = self._stated_beliefs(claims[chosen], pieces[chosen], moments[chosen])
        return found

    def values(self, claims: PlaceArray, moments: MomentArray) -> FloatArray:
        """Compute what claims count as: the belief, 0 before one was stated, and the outcome from when it was known."""
        found = np.nan_to_num(self.beliefs(claims, moments), nan=0.0)
        outcomes = self.outcomes[claims]
        is_settled = ~np.isnan(outcomes) & (self.untils[self._pieces(claims, moments)] <= moments)
        return np.where(is_settled, outcomes, found)

    def records(self, start: np.datetime64, end: np.datetime64) -> Records:
        """List what was recorded of the claims after one moment and until another."""
        num_claims = self.outcomes.size
        of_pieces = np.repeat(np.arange(num_claims), np.diff(self.piece_starts))
        of_rows = np.repeat(np.arange(num_claims), np.diff(self.row_starts))
        is_later = np.arange(of_pieces.size) > self.piece_starts[of_pieces]
        is_settling = ~np.isnat(self.untils) & ~np.isnan(self.outcomes)[of_pieces]
        listed = (
            (RESTATED, of_pieces[is_later], self.sinces[is_later]),
            (EVIDENT, of_rows, self.recorded),
            (SETTLED, of_pieces[is_settling], np.maximum(self.untils, self.sinces)[is_settling]),
        )
        kinds = np.repeat([kind for kind, _, _ in listed], [claims.size for _, claims, _ in listed])
        claims, moments = (np.concatenate([own[place] for own in listed]) for place in (1, 2))
        order = np.lexsort((kinds, moments, claims))
        order = order[(moments[order] > start) & (moments[order] <= end)]
        claims, moments, kinds = claims[order], moments[order], kinds[order]
        is_last = np.ones(order.size, np.bool_)
        is_last[:-1] = (claims[1:] != claims[:-1]) | (moments[1:] != moments[:-1])
        claims, moments, kinds = claims[is_last], moments[is_last], kinds[is_last]
        first = self.row_starts[claims] + count_by(self.row_starts, self.recorded, claims, just_before(moments))
        last = self.row_starts[claims] + count_by(self.row_starts, self.recorded, claims, moments)
        return Records(claims, moments, kinds, first, np.where(kinds == EVIDENT, last, first))

    def _pieces(self, claims: PlaceArray, moments: MomentArray) -> PlaceArray:
        """Return the place of the piece that each question is about."""
        numbers = count_by(self.piece_starts, self.sinces, claims, moments)
        return self.piece_starts[claims] + np.maximum(numbers - 1, 0)

    def _stated_beliefs(self, claims: PlaceArray, pieces: PlaceArray, moments: MomentArray) -> FloatArray:
        """Compute the belief of each question, which is about a piece in which a probability was stated."""
        basis = self.basis
        moments = np.fmin(moments, self.untils[pieces])
        num_rows = count_by(self.row_starts, self.recorded, claims, moments)
        has_rows = num_rows > 0
        rows = (self.row_starts[claims] + num_rows - 1)[has_rows]
        stated = self._stated[pieces]
        inside, check_ins = stated.copy(), np.zeros(stated.shape)
        inside[has_rows], check_ins[has_rows] = self.log_odds[rows], self.check_ins[rows]
        found = np.empty(claims.shape)
        is_calibrated = basis.is_calibrated[pieces]
        plain, silent = np.flatnonzero(~is_calibrated), np.flatnonzero(is_calibrated)
        own = basis.claims.take(pieces[plain])
        trfs = time_remaining_fractions(own.starts, own.deadlines, moments[plain])
        found[plain] = blend(inside[plain], self._outside[pieces[plain]], trfs)
        own, log_odds = basis.claims.take(pieces[silent]), self._priors[pieces[silent]]
        log_odds = log_odds + (inside - check_ins - stated)[silent]
        found[silent] = beliefs_in_silence(log_odds, own, basis.shares[pieces[silent]], moments[silent])
        return found

    @cached_property
    def _stated(self) -> FloatArray:
        """Log-odds of the stated probabilities, shape (p,)."""
        return logits(self.basis.claims.stated)

    @cached_property
    def _outside(self) -> FloatArray:
        """Log-odds of the base rates, NaN without a class, shape (p,)."""
        return outside_log_odds(self.basis.claims.base_rates)

    @cached_property
    def _priors(self) -> FloatArray:
        """Prior log-odds under foregraph-2, shape (p,)."""
        return FOREGRAPH_2.prior_log_odds(self.basis.claims)
