"""Members' beliefs made coherent, as of a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import fsum
from typing import Final

import numpy as np

from graph.inference.families import Curve, fit_curve, settle_outcomes
from graph.inference.log_odds import FloatArray, logit
from graph.ledger.pasts import Past
from graph.model.kinds import ClaimStatus, FamilyKind, FamilyRole
from graph.model.rows import ClaimFamily, FamilyMember

LEAST_MISFIT: Final = 1e-9
"""Smaller misfits are rounding errors."""


@dataclass(frozen=True, slots=True)
class Standing:
    """
    A member of a family as it was at a moment.

    Attributes:
        claim_id: The claim.
        role: Its role.
        status: Its status.
        moment: The moment that its belief holds for: for a closed claim, that of the outcome.
        deadline: Its deadline; None without one.
        probability: Its own posterior, strictly between 0 and 1.
        prior_log_odds: Natural log-odds of the posterior that it would have without any evidence.
    """

    claim_id: str
    role: FamilyRole
    status: ClaimStatus
    moment: datetime
    deadline: datetime | None
    probability: float
    prior_log_odds: float

    @property
    def is_true(self) -> bool:
        """Whether the event has happened by the deadline, or the outcome has come true."""
        return self.status is self._outcomes[0]

    @property
    def is_false(self) -> bool:
        """Whether the event has not happened by the deadline, or the outcome does not come true."""
        return self.status is self._outcomes[1]

    @property
    def _outcomes(self) -> tuple[ClaimStatus, ClaimStatus]:
        known = (ClaimStatus.RESOLVED_TRUE, ClaimStatus.RESOLVED_FALSE)
        return known if self.role is FamilyRole.BY else known[::-1]

    def of_event(self, probability: float) -> float:
        """Return a probability of the claim as that of the event by the deadline, or the other way round."""
        return probability if self.role is FamilyRole.BY else 1.0 - probability


@dataclass(frozen=True, slots=True)
class Standings:
    """
    The members of a family as they were at a moment, by deadline and key.

    Attributes:
        as_of: The moment.
        members: Those of which there is a belief.
        left_out: The ids of the others: annulled, deleted, without a stated probability, or, of an event by several
            dates, without a deadline.
        is_reconstructed: Whether one follows from values that were recorded later.
    """

    as_of: datetime
    members: tuple[Standing, ...]
    left_out: tuple[str, ...]
    is_reconstructed: bool


@dataclass(frozen=True, slots=True)
class TimelinePoint:
    """
    The date of one member of an event by several dates.

    Attributes:
        claim_id: The claim.
        role: Its role.
        deadline: Its deadline.
        own_probability: Probability that the event happens by then, as the claim's own belief has it.
        probability: The same, coherent with all members and with what is known.
        coherent_probability: The coherent probability of the claim: `probability`, or its complement.
        hazard: Probability that it happens by then if it has not by the last deadline before; None where it has.
    """

    claim_id: str
    role: FamilyRole
    deadline: datetime
    own_probability: float
    probability: float
    coherent_probability: float
    hazard: float | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """
    Distribution of the moment at which an event happens.

    Attributes:
        points: By deadline.
        not_by: The last deadline by which it has not happened, by an outcome or by silence; None before any.
        happened_at: By when it had happened; None if that is not known.
        is_contradictory: Whether outcomes contradict each other.
        largest_fall: The most that the members' own probabilities fall from one date to a later one.
    """

    points: tuple[TimelinePoint, ...]
    not_by: datetime | None
    happened_at: datetime | None
    is_contradictory: bool
    largest_fall: float


@dataclass(frozen=True, slots=True)
class OutcomeShare:
    """
    One of outcomes that exclude each other.

    Attributes:
        claim_id: The claim.
        own_probability: Its own posterior.
        coherent_probability: The same, coherent with the other outcomes and with what is known.
        own_marginal: Its stored marginal; None without one.
        coherent_marginal: The same, coherent; None without the marginals of all open outcomes.
    """

    claim_id: str
    own_probability: float
    coherent_probability: float
    own_marginal: float | None
    coherent_marginal: float | None


@dataclass(frozen=True, slots=True)
class OutcomeShares:
    """
    Outcomes that exclude each other.

    Attributes:
        outcomes: In the order of the family's members.
        own_sum: Sum of the outcomes' own probabilities.
        none_probability: Coherent probability that none comes true; 0 where one must.
        none_marginal: The same by the coherent marginals; None without these.
        is_contradictory: Whether several came true, or none did where one must.
        excess: How far the own probabilities of those whose outcome is not known are from adding up.
        is_in_network: Whether the network has them exclude each other; otherwise they are claims on their own in it.
    """

    outcomes: tuple[OutcomeShare, ...]
    own_sum: float
    none_probability: float
    none_marginal: float | None
    is_contradictory: bool
    excess: float
    is_in_network: bool


def standings_of(family: ClaimFamily, pasts: Sequence[Past | None], as_of: datetime) -> Standings:
    """
    Return the members of a family as they were at a moment.

    Args:
        family: The family.
        pasts: Each member's claim as it was; None for one that is unknown.
        as_of: The moment.
    """
    members, left_out, is_reconstructed = [], [], False
    for member, past in zip(family.members, pasts, strict=True):
        standing = None if past is None else _standing(member, past)
        if past is None or standing is None or (family.kind is FamilyKind.BY_WHEN and standing.deadline is None):
            left_out.append(member.claim_id)
        else:
            members.append(standing)
            is_reconstructed = is_reconstructed or past.is_reconstructed
    if family.kind is FamilyKind.BY_WHEN:
        members.sort(key=lambda found: (_deadline(found), found.claim_id))
    return Standings(as_of, tuple(members), tuple(left_out), is_reconstructed)


def _standing(member: FamilyMember, past: Past) -> Standing | None:
    belief, prior = past.belief(), past.prior()
    if belief is None or prior is None or past.status is ClaimStatus.ANNULLED:
        return None
    return Standing(
        claim_id=member.claim_id,
        role=member.role,
        status=past.status,
        moment=past.moment,
        deadline=past.deadline,
        probability=belief.probability,
        prior_log_odds=logit(prior.probability),
    )


def make_timeline(standings: Standings) -> Timeline:
    """
    Compute when an event happens, from its claims by several dates.

    A deadline that has passed while its claim is open counts as silence: the event has not happened by then.
    """
    members = standings.members
    happened_at = min((min(_deadline(found), found.moment) for found in members if found.is_true), default=None)
    known = [_deadline(found) for found in members if found.is_false]
    silent = [
        _deadline(found)
        for found in members
        if found.status is ClaimStatus.OPEN
        and _deadline(found) <= standings.as_of
        and (happened_at is None or _deadline(found) < happened_at)
    ]
    not_by = max([*known, *silent], default=None)
    curve = fit_curve(
        np.array([_deadline(found).timestamp() for found in members]),
        np.array([_event_log_odds(found) for found in members]),
        not_by=-np.inf if not_by is None else not_by.timestamp(),
        happened_at=np.inf if happened_at is None else happened_at.timestamp(),
    )
    return Timeline(
        points=tuple(_point(found, curve, place) for place, found in enumerate(members)),
        not_by=not_by,
        happened_at=happened_at,
        is_contradictory=happened_at is not None and any(deadline >= happened_at for deadline in known),
        largest_fall=curve.largest_fall,
    )


def _point(found: Standing, curve: Curve, place: int) -> TimelinePoint:
    probability, hazard = float(curve.probabilities[place]), float(curve.hazards[place])
    return TimelinePoint(
        claim_id=found.claim_id,
        role=found.role,
        deadline=_deadline(found),
        own_probability=float(curve.own[place]),
        probability=probability,
        coherent_probability=found.of_event(probability),
        hazard=None if np.isnan(hazard) else hazard,
    )


def _event_log_odds(found: Standing) -> float:
    log_odds = logit(found.probability)
    return log_odds if found.role is FamilyRole.BY else -log_odds


def _deadline(found: Standing) -> datetime:
    if found.deadline is None:
        message = f"expected a member with a deadline, got {found.claim_id!r} without one"
        raise ValueError(message)
    return found.deadline


def make_shares(standings: Standings, marginals: Mapping[str, float | None], *, is_exhaustive: bool) -> OutcomeShares:
    """
    Compute coherent probabilities of outcomes that exclude each other.

    Args:
        standings: The outcomes.
        marginals: Stored marginals by id; empty where none are asked for.
        is_exhaustive: Whether exactly one comes true; otherwise at most one does.
    """
    members = standings.members
    own = [found.probability for found in members]
    own_marginals = [marginals.get(found.claim_id) for found in members]
    probabilities = _settle(members, own, is_exhaustive=is_exhaustive)
    is_open = [found.status is ClaimStatus.OPEN for found in members]
    inside = [
        value if value is not None and 0.0 < value < 1.0 else None if is_undecided else 0.5
        for value, is_undecided in zip(own_marginals, is_open, strict=True)
    ]
    known = [value for value in inside if value is not None]
    num_true = sum(found.is_true for found in members)
    num_left = sum(not found.is_false for found in members)
    is_contradictory = num_true > 1 or (is_exhaustive and bool(members) and not num_left)
    is_in_network = bool(members) and not is_contradictory
    coherent: list[float] | None = None
    if marginals and len(known) == len(members):
        # The network's marginals fit already, but for errors and for what has been written since.
        prior = [logit(value) for value in known] if is_in_network else None
        coherent = _settle(members, known, prior, is_exhaustive=is_exhaustive).tolist()
    open_sum = fsum(value for value, is_undecided in zip(own, is_open, strict=True) if is_undecided)
    excess = 0.0 if num_true or not any(is_open) else open_sum - 1.0 if is_exhaustive else max(0.0, open_sum - 1.0)
    coherent_marginals: Sequence[float | None] = [None] * len(members) if coherent is None else coherent
    figures = zip(own, probabilities.tolist(), own_marginals, coherent_marginals, strict=True)
    return OutcomeShares(
        outcomes=tuple(OutcomeShare(found.claim_id, *row) for found, row in zip(members, figures, strict=True)),
        own_sum=fsum(own),
        none_probability=_none_of(probabilities.tolist(), is_exhaustive=is_exhaustive),
        none_marginal=None if coherent is None else _none_of(coherent, is_exhaustive=is_exhaustive),
        is_contradictory=is_contradictory,
        excess=excess,
        is_in_network=is_in_network,
    )


def _none_of(probabilities: Sequence[float], *, is_exhaustive: bool) -> float:
    """Compute the probability that none of some outcomes comes true."""
    return 0.0 if is_exhaustive else max(0.0, 1.0 - fsum(probabilities))


def misfit_of(family: ClaimFamily, pasts: Mapping[str, Past | None], as_of: datetime) -> float:
    """
    Compute how far the open members' own posteriors are from fitting each other: the most that they fall from one date
    to a later one, or by how much those of outcomes do not add up.
    """
    standings = standings_of(family, [pasts[member.claim_id] for member in family.members], as_of)
    if family.kind is FamilyKind.BY_WHEN:
        still_open = tuple(found for found in standings.members if found.status is ClaimStatus.OPEN)
        return make_timeline(replace(standings, members=still_open)).largest_fall
    return make_shares(standings, {}, is_exhaustive=bool(family.is_exhaustive)).excess


def _settle(
    members: Sequence[Standing],
    probabilities: Sequence[float],
    prior_log_odds: Sequence[float] | None = None,
    *,
    is_exhaustive: bool,
) -> FloatArray:
    """Compute coherent probabilities, from those without evidence, the members' own unless they are given."""
    prior = np.array([found.prior_log_odds for found in members] if prior_log_odds is None else prior_log_odds)
    return settle_outcomes(
        prior,
        np.array([logit(value) for value in probabilities]) - prior,
        came_true=np.array([found.is_true for found in members], np.bool_),
        came_false=np.array([found.is_false for found in members], np.bool_),
        is_exhaustive=is_exhaustive,
    )
