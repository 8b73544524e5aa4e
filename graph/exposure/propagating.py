"""
A portfolio's change that came through the network, by the claims that it came from.

With a_p the mean of what a prediction adds if it comes true at both ends of a span, m_p its marginal and b_p the belief
by itself, what the network adds is the sum of a_p (m_p - b_p). Marginals follow from the values of all claims, each of
which has its own at the start and at the end. Causes put those of the end in one after the other, in the order of the
ledger and in its reverse, and the mean of what each adds then is its part. What is left of propagation's part of the
change is the change of what predictions add, times the mean of m_p - b_p at both ends.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from graph.database.sessions import Unit
from graph.errors import BusyError
from graph.exposure.history import Record, Recorded, recorded_of
from graph.inference.attribution import split_change
from graph.inference.log_odds import FloatArray, logits, sigmoids
from graph.inference.network.bank import Bank, num_swept
from graph.inference.network.diagnostics import EXACT, SAMPLE, Beliefs
from graph.inference.network.errors import ShouldStop
from graph.inference.network.intercepts import Calibration
from graph.inference.network.portfolio import find_drivers, sum_samples
from graph.inference.network.replicates import standard_errors
from graph.inference.network.structure import IntArray
from graph.inference.time import utc_moments
from graph.ledger.claim_courses import load_courses
from graph.network.engine import Engine, Joint
from graph.network.view import View, find_different, make_view, mix

MOST_SOURCES: Final = 8
"""Claims whose parts are told apart; each takes two inferences over the network."""

OTHER_STATES: Final = 4
"""Inferences besides those of the claims told apart: after the first and the last but one cause in each order."""

MOST_SWEPT: Final = 2_000
"""
Claims that samples are drawn of again and again, in all inferences for one answer together; some fifteen seconds. Where
the network has more of them, fewer claims are told apart; where it has too many for any, LBP stands in for samples.
"""


class SourceKind(StrEnum):
    """
    Sources of what the network did to a portfolio.

    Attributes:
        CLAIM: What was recorded of one claim outside the portfolio: evidence, an outcome, or restated numbers.
        OTHER_CLAIMS: The same of all other claims outside the portfolio together.
        OWN_PREDICTIONS: The portfolio's own predictions, beyond what they did to the beliefs in themselves: what they
            did to each other, and what evidence counts for within the network.
        TIME: The windows of claims outside the portfolio run out, or families of claims were changed.
        HOLDINGS: Changed positions and exposures, which count by what the network adds to each belief.
        APPROXIMATION: What samples of both moments say of the change beyond LBP, where this stands in for samples.
    """

    CLAIM = "CLAIM"
    OTHER_CLAIMS = "OTHER_CLAIMS"
    OWN_PREDICTIONS = "OWN_PREDICTIONS"
    TIME = "TIME"
    HOLDINGS = "HOLDINGS"
    APPROXIMATION = "APPROXIMATION"


@dataclass(frozen=True, slots=True)
class Source:
    """
    A part of propagation's part of a change.

    Attributes:
        kind: Its kind.
        delta: Its part; those of all sources add up to that of propagation.
        standard_error: Of the part, between replicates; 0 where it is exact, None for a single replicate.
        claim_id: The claim; None for other kinds.
        num_claims: Number of claims outside the portfolio of which something was recorded.
        recorded: What was recorded of the claim, in order.
    """

    kind: SourceKind
    delta: float
    standard_error: float | None
    claim_id: str | None = None
    num_claims: int = 0
    recorded: tuple[Recorded, ...] = ()


@dataclass(frozen=True, slots=True)
class Propagated:
    """
    Propagation's part of a change by its sources.

    Attributes:
        sources: Those whose part is not 0, the largest first.
        num_claims: Claims outside the portfolio of which something was recorded between both ends.
        num_told: Those of them whose parts are told apart.
        is_approximate: Whether LBP stands in for samples.
    """

    sources: tuple[Source, ...]
    num_claims: int
    num_told: int
    is_approximate: bool


@dataclass(frozen=True, slots=True)
class _Cause:
    """Values of some claims, the moment of some, and families, which become as they are at the end at once."""

    kind: SourceKind
    recorded_of: tuple[int, ...] = ()
    passed_for: tuple[int, ...] = ()
    claim_id: str | None = None
    recorded: tuple[Recorded, ...] = ()


class _Portfolio:
    """
    A portfolio's predictions and the network at both ends of a span.

    Values are pooled first, then by replicate, shape (1 + replicates,).
    """

    def __init__(self, record: Record, before: Joint, after: Joint) -> None:
        self._ids, ends = record.claims.ids, list(record.ends().values())
        self._own_beliefs = np.array([[own.belief_before for own in ends], [own.belief_after for own in ends]])
        first, last = np.array([own.first for own in ends]), np.array([own.last for own in ends])
        self._mean, self._change = (first + last) / 2.0, last - first
        self.before, self.after = before, after
        snapshot = after.view.snapshot
        self._moments = utc_moments([record.start, record.end])
        self._is_own = np.zeros(len(snapshot.ids), np.bool_)
        self._is_own[[snapshot.indices[key] for key in self._ids if key in snapshot.indices]] = True
        self._is_different = find_different(before.view.snapshot, snapshot)

    @property
    def outside(self) -> IntArray:
        """Indices in the snapshot of the claims outside the portfolio of which something was recorded."""
        return np.flatnonzero(self._is_different & ~self._is_own)

    def causes(self, told: Sequence[_Cause]) -> list[_Cause]:
        """List all causes in the order in which they come: time, the claims that are not told apart, these, its own."""
        own = tuple(np.flatnonzero(self._is_own).tolist())
        apart = {claim for cause in told for claim in cause.recorded_of}
        others = tuple(claim for claim in self.outside.tolist() if claim not in apart)
        time = _Cause(SourceKind.TIME, (), tuple(np.flatnonzero(~self._is_own).tolist()))
        rest = [_Cause(SourceKind.OTHER_CLAIMS, others)] if others else []
        return [time, *rest, *told, _Cause(SourceKind.OWN_PREDICTIONS, own, own)]

    def rank_outside(self, should_stop: ShouldStop) -> list[str]:
        """
        List the claims outside the portfolio of which something was recorded, what moved it most first, roughly.

        A claim's rank is by the change of the belief in it alone, times what its outcome tells about the portfolio in
        the samples of the start, or of the end where these all have one outcome.
        """
        slopes = np.full(len(self.after.view.snapshot.ids), np.nan)
        changes = np.zeros(slopes.size)
        for joint, sign in ((self.after, 1.0), (self.before, -1.0)):
            view = joint.view
            weights = np.zeros(len(view.ids))
            places = [(number, view.indices[key]) for number, key in enumerate(self._ids) if key in view.indices]
            for number, place in places:
                weights[place] = self._mean[number]
            sources = np.array([place for _, place in places], np.int64)
            found = find_drivers(joint.bank, sum_samples(joint.bank, weights), sources, should_stop=should_stop)
            own = found.if_true - found.if_false
            slopes[view.claims] = np.where(np.isnan(own), slopes[view.claims], own)
            changes[view.claims] += sign * _beliefs_alone(view)
        # A claim that is nearly certain at both ends may tell all there is.
        scores = np.abs(np.where(np.isnan(slopes), np.abs(self._mean).sum(), slopes) * changes)
        outside = self.outside
        ids = self.after.view.snapshot.ids
        return [ids[claim] for claim in outside[np.argsort(-scores[outside], kind="stable")].tolist()]

    def state(self, causes: Sequence[_Cause]) -> View:
        """Return the network as it is once some causes have come."""
        first, second = self.before.view.snapshot, self.after.view.snapshot
        is_second, has_passed = np.zeros((2, len(second.ids)), np.bool_)
        for cause in causes:
            is_second[list(cause.recorded_of)] = True
            has_passed[list(cause.passed_for)] = True
        is_late = any(cause.kind is SourceKind.TIME for cause in causes)
        mixed = mix(first, second, is_second, second.families if is_late else first.families)
        moments = np.where(has_passed, self._moments[1], self._moments[0])
        return make_view(mixed, self.after.view.moment, moments=moments)

    def value(self, view: View, beliefs: Beliefs, bank: Bank | None, *, is_own_last: bool) -> FloatArray:
        """Add up what the network adds to the belief in each prediction, times what that adds to the portfolio."""
        return self._add_up(self._mean, view, beliefs, bank, is_own_last=is_own_last)

    def value_at(self, joint: Joint, beliefs: Beliefs | None = None) -> FloatArray:
        """Add up likewise at one of both moments, by other marginals than those of its samples if any are given."""
        is_last = joint is self.after
        if beliefs is not None:
            return self.value(joint.view, beliefs, None, is_own_last=is_last)
        return self.value(joint.view, joint.beliefs, joint.bank, is_own_last=is_last)

    def holdings(self) -> FloatArray:
        """Compute the part of changed positions and exposures."""
        both = [
            self._add_up(self._change, joint.view, joint.beliefs, joint.bank, is_own_last=is_last)
            for joint, is_last in ((self.before, False), (self.after, True))
        ]
        return (both[0] + both[1]) / 2.0

    def _add_up(
        self, weights: FloatArray, view: View, beliefs: Beliefs, bank: Bank | None, *, is_own_last: bool
    ) -> FloatArray:
        included = [(number, view.indices[key]) for number, key in enumerate(self._ids) if key in view.indices]
        numbers = np.array([number for number, _ in included], np.int64)
        places = np.array([place for _, place in included], np.int64)
        # What the network does not include adds nothing.
        own = -weights * self._own_beliefs[int(is_own_last)]
        rows = weights[numbers] * _by_replicate(beliefs, bank, places, self.after.bank.num_replicates)
        return np.array([math.fsum([*row, *own.tolist()]) for row in rows.tolist()])


def _beliefs_alone(view: View) -> FloatArray:
    """Compute the belief in each claim of a view by its own evidence alone, shape (n,)."""
    evidence = view.evidence
    alone = sigmoids(logits(view.network.prior_marginals) + evidence.llr)
    return np.where(evidence.is_observed, evidence.observed, alone)


def _by_replicate(beliefs: Beliefs, bank: Bank | None, places: IntArray, num_replicates: int) -> FloatArray:
    """Return some claims' marginals, pooled and then by replicate, which agree where they are not sampled."""
    rows = np.repeat(beliefs.marginals[np.newaxis, places], 1 + num_replicates, axis=0)
    if bank is not None and beliefs.methods is not None:
        is_sampled = beliefs.methods[places] == SAMPLE
        rows[1:, is_sampled] = bank.replicate_marginals[:, places[is_sampled]]
    return rows


async def split_propagation(
    unit: Unit,
    engine: Engine,
    record: Record,
    before: Joint,
    after: Joint,
    *,
    most: int,
    most_swept: int = MOST_SWEPT,
) -> Propagated:
    """
    Split propagation's part of a change by the claims that it came from.

    Args:
        unit: The transaction to read in.
        engine: Knows the network.
        record: All that the expectation followed from.
        before: The network at its start.
        after: The same at its end.
        most: The most claims to tell apart, 1 to `MOST_SOURCES`; fewer are where samples take long.
        most_swept: The most claims that samples are drawn of again and again, in all inferences together; where more
            would be, LBP stands in for samples.

    Raises:
        BusyError: The network was changed between both readings, or no thread became free in time.
        OversizeError: The network is too large for samples.
    """
    if before.view.snapshot.ids != after.view.snapshot.ids:
        message = "the network was changed while it was read; try again"
        raise BusyError(message)
    portfolio = await engine.run(lambda _: _Portfolio(record, before, after))
    ranked = await engine.run(portfolio.rank_outside)
    swept = await engine.run(lambda _: _count_swept(after))
    draws = OTHER_STATES * swept <= most_swept
    # Without samples a state takes a tenth of a second, so that all claims asked for are told apart.
    num_told = min(most, (most_swept // swept - OTHER_STATES) // 2) if draws and swept else most
    told = await _list_told(unit, record, after, ranked[:num_told])
    causes = portfolio.causes(told)
    forward = list(range(len(causes)))
    orders = [forward, forward[::-1]]
    stacked = np.array([await _list_values(engine, portfolio, causes, order, draws=draws) for order in orders])
    shares = split_change(orders, stacked[..., 0], np.moveaxis(stacked[..., 1:], -1, 0) if draws else None)
    held = await engine.run(lambda _: portfolio.holdings())
    sources = [_source(SourceKind.HOLDINGS, held[0], standard_errors(held[1:]))]
    for number, cause in enumerate(causes):
        error = None if shares.standard_errors is None else shares.standard_errors[number]
        sources.append(_source(cause.kind, shares.deltas[number], error, cause))
    if not draws:
        ends = await engine.run(lambda _: [portfolio.value_at(joint) for joint in (before, after)])
        rest = ends[1] - ends[0] - (stacked[0, -1] - stacked[0, 0])
        sources.append(_source(SourceKind.APPROXIMATION, rest[0], standard_errors(rest[1:])))
    kept = sorted((own for own in sources if own.delta), key=lambda own: -abs(own.delta))
    return Propagated(tuple(kept), len(ranked), len(told), is_approximate=not draws)


def _source(kind: SourceKind, delta: float, error: FloatArray | float | None, cause: _Cause | None = None) -> Source:
    claim_id, recorded = (None, ()) if cause is None else (cause.claim_id, cause.recorded)
    num_claims = len(cause.recorded_of) if cause and kind in {SourceKind.CLAIM, SourceKind.OTHER_CLAIMS} else 0
    return Source(kind, float(delta), None if error is None else float(error), claim_id, num_claims, recorded)


def _count_swept(after: Joint) -> int:
    """Count the claims that samples are drawn of again and again; none where all marginals are exact."""
    methods = after.beliefs.methods
    if methods is not None and bool((methods == EXACT).all()):
        return 0
    return max(1, num_swept(after.prepared.model, after.view.evidence))


async def _list_told(unit: Unit, record: Record, after: Joint, claim_ids: Sequence[str]) -> list[_Cause]:
    """List the causes that are told apart, in the order in which the first was recorded of each."""
    claims = await load_courses(unit, claim_ids)
    records = claims.courses.records(*utc_moments([record.start, record.end]))
    recorded: dict[str, list[Recorded]] = {claim_id: [] for claim_id in claim_ids}
    for place, claim in enumerate(records.claims.tolist()):
        recorded[claims.ids[claim]].append(recorded_of(claims, records, place))
    indices = after.view.snapshot.indices
    found = [
        _Cause(SourceKind.CLAIM, (indices[claim_id],), (), claim_id, tuple(own)) for claim_id, own in recorded.items()
    ]
    return sorted(found, key=lambda own: (own.recorded[0].at if own.recorded else record.start, own.claim_id or ""))


async def _list_values(
    engine: Engine, portfolio: _Portfolio, causes: Sequence[_Cause], order: Sequence[int], *, draws: bool
) -> list[FloatArray]:
    """Compute what the network adds to a portfolio before any cause, and after each one of an order has come."""
    values = [await _value_at_end(engine, portfolio, portfolio.before, draws=draws)]
    near: Calibration | None = None
    for number in range(1, len(order)):
        arrived = [causes[place] for place in order[:number]]
        # Most claims have the same parents and prior marginals in the next state.
        value, near = await _value_between(engine, portfolio, arrived, near, draws=draws)
        values.append(value)
    return [*values, await _value_at_end(engine, portfolio, portfolio.after, draws=draws)]


async def _value_between(
    engine: Engine, portfolio: _Portfolio, arrived: Sequence[_Cause], near: Calibration | None, *, draws: bool
) -> tuple[FloatArray, Calibration]:
    """Compute what the network adds to a portfolio once some causes have come, and the calibration that it took."""
    is_own_last = any(cause.kind is SourceKind.OWN_PREDICTIONS for cause in arrived)
    view = await engine.run(lambda _: portfolio.state(arrived))
    found = await engine.beliefs_apart(view, near, draws=draws)
    value = await engine.run(lambda _: portfolio.value(view, found.beliefs, found.bank, is_own_last=is_own_last))
    return value, found.calibration


async def _value_at_end(engine: Engine, portfolio: _Portfolio, joint: Joint, *, draws: bool) -> FloatArray:
    """Compute what the network adds to a portfolio at one of both moments."""
    beliefs = None if draws else await engine.beliefs_by_lbp(joint.prepared)
    return await engine.run(lambda _: portfolio.value_at(joint, beliefs))
