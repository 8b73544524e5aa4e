"""Families of claims, and their members' beliefs made coherent."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import strawberry
from strawberry.types import Info

from graph.families.store import list_families
from graph.ledger.families import LEAST_MISFIT, Standings, make_shares, make_timeline, misfit_of, standings_of
from graph.ledger.pasts import Past, PastKey
from graph.model.kinds import FamilyKind, FamilyRole
from graph.model.rows import MOST_MEMBERS
from graph.model.rows import ClaimFamily as FamilyRow
from resolvers.base.context import Context
from resolvers.base.described import enum_type, field, object_type
from resolvers.base.drift import drifts
from resolvers.base.extents import Arguments, Extent, extent
from resolvers.base.fields import prop, shown
from resolvers.base.figures import figure, figures
from resolvers.base.ranked import put_nodes
from resolvers.base.scalars import Moment, Probability
from resolvers.base.selection import selected_plan
from resolvers.types.beliefs import AsOf, KnownAt

if TYPE_CHECKING:
    from resolvers.types.claims import Claim

enum_type(FamilyRole)

PAST_ROWS: Final = 3
"""Rows read of each member: its terms by two moments, and its ledger."""

MEMBER_POINTS: Final = 20
"""Price of one member's belief and prior, in points of a curve; each takes some ten times as long as a point does."""

COHERENT: Final = ("coherent_probability", "coherent_marginal")
DELETED: Final = "The claim; null if it has been deleted since."

T = TypeVar("T")


def _members_extent(_arguments: Arguments) -> Extent:
    return Extent(items=MOST_MEMBERS, rows=MOST_MEMBERS)


def _beliefs_extent(_arguments: Arguments) -> Extent:
    num_rows = 1 + (PAST_ROWS + 1) * MOST_MEMBERS
    return Extent(items=MOST_MEMBERS, rows=num_rows, points=MEMBER_POINTS * MOST_MEMBERS)


def _network_extent(_arguments: Arguments) -> Extent:
    return Extent(items=1, points=MEMBER_POINTS)


@object_type
class FamilyMember:
    """A claim of a family."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] | None = prop(DELETED)
    claim_id: str = prop("Its key, also if it has been deleted.", name="claimKey")
    role: FamilyRole = prop("The role of the claim in the family.")


@object_type
class TimelinePoint:
    """The date of one claim of an event by several dates."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] | None = prop(DELETED)
    claim_id: str = prop("Its key, also if it has been deleted.", name="claimKey")
    role: FamilyRole = prop("The role of the claim in the family.")
    deadline: Moment = prop("The claim's deadline.")
    probability: Probability = prop("Coherent probability that the event happens by the deadline.")
    own_probability: Probability = prop(
        "Probability that the event happens by the deadline, as the claim's own posterior has it."
    )
    coherent_probability: Probability = prop(
        "Coherent probability of the claim: `probability`, or its complement for NOT_BEFORE."
    )
    hazard: float | None = prop(
        "Probability that the event happens by the deadline if it has not by the one before; null where it has."
    )


@object_type
class EventTimeline:
    """
    Distribution of the date of an event, by its claims for several dates: their posteriors' log-odds fitted so that
    they never fall (isotonic regression), and conditioned on what is known.
    """

    as_of: Moment = prop("The moment that it holds for.")
    nodes: list[TimelinePoint] = prop("The claims' dates, the earliest first.")
    not_by: Moment | None = prop(
        "The last deadline by which the event has not happened: by an outcome, or since the deadline has passed while "
        "its claim is open.",
        name="absentAt",
    )
    happened_at: Moment | None = prop("When the event had happened, by an outcome; null if that is not known.")
    is_contradictory: bool = prop("Whether outcomes contradict each other.")
    largest_fall: float = prop("The most that `ownProbability` falls from one date to a later one.")
    left_out: list[str] = prop(
        "Keys of members left out: annulled, deleted, or without a stated probability or a deadline.",
        name="leftOutKeys",
    )
    is_reconstructed: bool = prop(
        "Whether it follows from values that were recorded after the moment asked for, as there are none before."
    )

    @field(metadata=extent(_network_extent))
    async def is_in_network(self: Any, info: Info[Context, Any]) -> bool | None:
        """
        Whether the network has the claims of the event imply each other by date. False if known outcomes contradict
        each other, a claim bears on one of an earlier date, or one is in a family of another kind that the network
        includes: figures of the network are then those of claims on their own. Null for another moment than now.
        """
        if self["family_now"] is None:
            return None
        view = await info.context.take_engine(MEMBER_POINTS).view(info.context.unit, now=info.context.moment)
        return self["family_now"] in view.events and self["family_now"] not in view.left_out


@object_type
class OutcomeShare:
    """One of outcomes that exclude each other."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] | None = prop(DELETED)
    claim_id: str = prop("Its key, also if it has been deleted.", name="claimKey")
    own_probability: Probability = prop("Its own posterior.")
    coherent_probability: Probability = prop("Its coherent probability, not rounded, so that all add up.")
    own_marginal: Probability | None = prop(
        "Its stored marginal; null without one, and for another moment than now.", name="ownMarginalProbability"
    )
    coherent_marginal: Probability | None = prop(
        "The same, made to add up where it does not: for what was written since the last propagation, and where "
        "`isInNetwork` is false. Null without the marginals of all open outcomes.",
        name="coherentMarginalProbability",
    )


@object_type
class OutcomeDistribution:
    """
    Coherent probabilities of outcomes that exclude each other: those without any evidence, shifted by the same log-odds
    so that they add up, then each weighed by its own evidence, and conditioned on the outcomes that are known.
    """

    as_of: Moment = prop("The moment that it holds for.")
    nodes: list[OutcomeShare] = prop("The outcomes, in the order of the family's members.")
    none_probability: Probability = prop("Coherent probability that none comes true; 0 if one must.")
    none_marginal: Probability | None = prop(
        "The same by `coherentMarginalProbability`; null without these.", name="noneMarginalProbability"
    )
    own_sum: float = prop("Sum of `ownProbability`.")
    is_contradictory: bool = prop("Whether several came true, or none of those of which one must.")
    is_in_network: bool = prop(
        "Whether they exclude each other in the network. False if known outcomes contradict each other: figures of the "
        "network are then those of claims on their own."
    )
    left_out: list[str] = prop(
        "Keys of members left out: annulled, deleted, or without a stated probability.", name="leftOutKeys"
    )
    is_reconstructed: bool = prop(
        "Whether it follows from values that were recorded after the moment asked for, as there are none before."
    )


@object_type
class ClaimFamily:
    """Claims that one event or one question ties together, as recorded at a moment."""

    key: str = prop("Key of the row, which never changes.")
    name: str = prop("Name of the family.")
    kind: FamilyKind = prop("The tie between the members.")
    title: str | None = prop("The event or the question, in words.")
    is_exhaustive: bool | None = prop(
        "Of outcomes that exclude each other, whether exactly one comes true, not at most one; null of other families."
    )
    recorded_at: Moment = prop("When it was recorded.")

    @field(metadata=extent(_members_extent))
    async def members(self: Any, info: Info[Context, Any]) -> list[FamilyMember]:
        """The members, in the order in which they were given."""
        rows: list[dict[str, Any]] = [
            {"claim_id": member.claim_id, "role": member.role, "claim": None} for member in self["row"].members
        ]
        await put_nodes(info, rows, "claim", "Claim", selected_plan(info, "claim"))
        return shown(rows)

    @field(metadata={**extent(_beliefs_extent), **drifts(unless="asOf")})
    async def timeline(
        self: Any, info: Info[Context, Any], as_of: AsOf = None, known_at: KnownAt = None
    ) -> EventTimeline | None:
        """Distribution of the event's date; null for a family of another kind."""
        found = await _read_members(self["row"], info.context, FamilyKind.BY_WHEN, (as_of, known_at))
        if found is None:
            return None
        standings, timeline = await _compute(info.context, found, make_timeline)
        points = [{**figures(asdict(point)), "claim": None} for point in timeline.points]
        await put_nodes(info, points, "claim", "Claim", selected_plan(info, "nodes", "claim"))
        return shown(
            {
                **_shown_standings(standings, found),
                "nodes": points,
                "not_by": timeline.not_by,
                "happened_at": timeline.happened_at,
                "family_now": self["row"].name if as_of is None and known_at is None else None,
                "is_contradictory": timeline.is_contradictory,
                "largest_fall": figure(timeline.largest_fall),
            }
        )

    @field(metadata={**extent(_beliefs_extent), **drifts(unless="asOf")})
    async def outcomes(
        self: Any, info: Info[Context, Any], as_of: AsOf = None, known_at: KnownAt = None
    ) -> OutcomeDistribution | None:
        """Coherent probabilities of the outcomes; null for a family of another kind."""
        found = await _read_members(self["row"], info.context, FamilyKind.EXCLUSIVE, (as_of, known_at))
        if found is None:
            return None
        ids = [member.claim_id for member in found.family.members]
        stored = await info.context.stored_marginals.load_many(ids) if as_of is None and known_at is None else []
        make = partial(
            make_shares,
            marginals=dict(zip(ids, stored, strict=False)),
            is_exhaustive=bool(found.family.is_exhaustive),
        )
        standings, shares = await _compute(info.context, found, make)
        # Coherent probabilities stay as they are: rounded, they would not add up.
        outcomes = [{**figures(asdict(share), stated=COHERENT), "claim": None} for share in shares.outcomes]
        await put_nodes(info, outcomes, "claim", "Claim", selected_plan(info, "nodes", "claim"))
        return shown(
            {
                **_shown_standings(standings, found),
                "nodes": outcomes,
                "none_probability": shares.none_probability,
                "none_marginal": shares.none_marginal,
                "own_sum": figure(shares.own_sum),
                "is_contradictory": shares.is_contradictory,
                "is_in_network": shares.is_in_network,
            }
        )


def shown_family(row: FamilyRow) -> dict[str, Any]:
    """A family in the response's shape."""
    return {
        "row": row,
        "key": row.id,
        "name": row.name,
        "kind": row.kind,
        "title": row.title,
        "is_exhaustive": bool(row.is_exhaustive) if row.kind is FamilyKind.EXCLUSIVE else None,
        "recorded_at": row.recorded_at,
    }


async def list_misfits(context: Context) -> list[tuple[FamilyRow, float]]:
    """List the families whose members' own posteriors do not fit now, each with how far."""
    families = await list_families(context.unit)
    ids = list(dict.fromkeys(member.claim_id for family in families for member in family.members))
    keys = [PastKey(claim_id, context.moment, context.moment) for claim_id in ids]
    pasts = dict(zip(ids, await context.pasts.load_many(keys), strict=True))

    def compute() -> list[tuple[FamilyRow, float]]:
        found = [(family, misfit_of(family, pasts, context.moment)) for family in families]
        return [(family, misfit) for family, misfit in found if abs(misfit) > LEAST_MISFIT]

    made = context.compute_curve(compute, MEMBER_POINTS * len(ids))
    return await made if inspect.isawaitable(made) else made


@dataclass(frozen=True, slots=True)
class _Members:
    """A family as it was at a moment, and its members' claims."""

    family: FamilyRow
    pasts: Sequence[Past | None]
    as_of: datetime
    is_reconstructed: bool


async def _read_members(
    family: FamilyRow, context: Context, kind: FamilyKind, moments: tuple[datetime | None, datetime | None]
) -> _Members | None:
    """Read a family and its members as of a moment, by what was recorded by another; None for one of another kind."""
    as_of = moments[0] or context.moment
    known_at, is_reconstructed = moments[1] or as_of, False
    if moments != (None, None):
        recorded = await context.families.load((family.name, known_at))
        if recorded is None:
            return None
        family, is_reconstructed = recorded.family, recorded.is_reconstructed
    if family.kind is not kind:
        return None
    keys = [PastKey(member.claim_id, as_of, known_at) for member in family.members]
    return _Members(family, await context.pasts.load_many(keys), as_of, is_reconstructed)


async def _compute(context: Context, found: _Members, make: Callable[[Standings], T]) -> tuple[Standings, T]:
    """Compute the members' beliefs, and make something of them."""

    def compute() -> tuple[Standings, T]:
        standings = standings_of(found.family, found.pasts, found.as_of)
        return standings, make(standings)

    made = context.compute_curve(compute, MEMBER_POINTS * len(found.pasts))
    return await made if inspect.isawaitable(made) else made


def _shown_standings(standings: Standings, found: _Members) -> dict[str, Any]:
    return {
        "as_of": standings.as_of,
        "left_out": list(standings.left_out),
        "is_reconstructed": standings.is_reconstructed or found.is_reconstructed,
    }
