"""Claims: what predictions, scenarios and killers have in common, and the latter two."""

import inspect
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.forecasts.consensus import consensus_of
from graph.inference.history import LEAST_MAX_POINTS, MOST_MAX_POINTS
from graph.inference.time import window_of
from graph.ledger.claim_state import Recorded, trf_at
from graph.ledger.explanations import ExplanationKey
from graph.ledger.pasts import PastKey, is_recorded
from graph.model import rows
from graph.model.kinds import FamilyKind
from graph.model.relations import DOCUMENTS, DOMAIN, EVIDENCE, FORECASTS, OUTGOING
from resolvers.base.context import Context
from resolvers.base.described import field
from resolvers.base.drift import drifts
from resolvers.base.extents import Arguments, Extent, extent, number
from resolvers.base.fields import InfluenceKinds, kinds_argument, one, shown
from resolvers.base.figures import figure
from resolvers.base.relay import DEFAULT_PAGE_SIZE, Connection, First, Node
from resolvers.base.row_types import row_interface, row_type
from resolvers.base.scalars import Moment, Probability
from resolvers.base.selection import MAX_CASCADE_DEPTH, Follows, answer, gathered, reads_more
from resolvers.types.beliefs import (
    BELIEF_READS,
    CLASS,
    LAST_ROW,
    RECORDED_CLASS,
    RECORDED_READS,
    ROW_BEFORE,
    ROWS_WITHIN,
    WHOLE_CLASS,
    AsOf,
    BeliefPoint,
    KnownAt,
    PolicyName,
    Posterior,
    belief_points,
    belief_then,
    history_bounds,
    needs_versions,
    present_course,
    reads_past,
    recorded_until,
    shown_belief,
    state_of,
    until_argument,
)
from resolvers.types.families import ClaimFamily, shown_family
from resolvers.types.forecasts import ClaimForecast, Consensus, shown_consensus
from resolvers.types.influences import (
    DEPENDENTS,
    INCOMING_INFLUENCES,
    KILLERS,
    OUTGOING_INFLUENCES,
    PREREQUISITES,
    Cascades,
    Influence,
)
from resolvers.types.lists import nested, nested_links
from resolvers.types.marginals import MARGINAL_READS, Marginal, shown_marginal

if TYPE_CHECKING:
    from resolvers.types.documents import Document
    from resolvers.types.domains import Domain
    from resolvers.types.evidence import Evidence


DEFAULT_MAX_POINTS = 200
BY_DELTA: Final = "by |deltaImplied|, the largest first,"
DEFAULT_DAYS_AGO = 7
MOST_DAYS_AGO = 3_650  # ten years, longer than claims are followed


def _history_extent(arguments: Arguments) -> Extent:
    return Extent(points=number(arguments, "max_points", MOST_MAX_POINTS))


def _consensus_extent(_arguments: Arguments) -> Extent:
    return Extent(items=DEFAULT_PAGE_SIZE, rows=DEFAULT_PAGE_SIZE)


def _families_extent(_arguments: Arguments) -> Extent:
    return Extent(items=len(FamilyKind), rows=len(FamilyKind))


@row_interface(rows.Claim)
class Claim(Node):
    domain: Annotated["Domain", strawberry.lazy("resolvers.types.domains")] | None = one(
        DOMAIN, "The domain that it belongs to."
    )
    stored_posterior: Probability | None = strawberry.field(
        description="The posterior as last stored; `predictions` filters and sorts by it.",
        metadata={"reads": ("posterior",)},
        resolver=lambda root: figure(root["posterior"]),
    )
    stored_posterior_as_of: Moment | None = strawberry.field(
        description="The moment that the stored posterior holds for.",
        metadata={"reads": ("posterior_as_of",)},
        resolver=lambda root: root["posterior_as_of"],
    )
    evidence: Connection[Annotated["Evidence", strawberry.lazy("resolvers.types.evidence")]] = nested(
        Follows(EVIDENCE, until_argument),
        "Rows of the evidence ledger on it, newest first.",
        Connection[Annotated["Evidence", strawberry.lazy("resolvers.types.evidence")]],
        listed="evidence",
        condition="claim",
        sort="recorded",
        is_descending=True,
        more={"as_of": AsOf},
        narrow=recorded_until,
    )
    documents: Connection[Annotated["Document", strawberry.lazy("resolvers.types.documents")]] = nested(
        Follows(DOCUMENTS),
        "Documents about it, newest first.",
        Connection[Annotated["Document", strawberry.lazy("resolvers.types.documents")]],
        listed="documents",
        condition="claim",
        sort="published",
        is_descending=True,
    )
    incoming: Connection[Influence] = nested_links(
        INCOMING_INFLUENCES,
        "Influences of other claims on it, largest |deltaImplied| first.",
        Connection[Influence],
        listed="claims",
        order=BY_DELTA,
        more={"kinds": InfluenceKinds},
    )
    outgoing: Connection[Influence] = nested_links(
        OUTGOING_INFLUENCES,
        "Its influences on other claims, largest |deltaImplied| first.",
        Connection[Influence],
        listed="claims",
        order=BY_DELTA,
        more={"kinds": InfluenceKinds},
    )
    prerequisites: Connection[Influence] = nested_links(
        PREREQUISITES,
        "Influences that it needs or goes along with, including those without probabilities: `incoming` without KILLS.",
        Connection[Influence],
        listed="claims",
        order=BY_DELTA,
    )
    killers: Connection[Influence] = nested_links(
        KILLERS,
        "Influences that would make it fail, including those without probabilities: `incoming` of KILLS.",
        Connection[Influence],
        listed="claims",
        order=BY_DELTA,
    )
    dependents: Connection[Influence] = nested_links(
        DEPENDENTS,
        "Its influences on claims that need it or go along with it, including those without probabilities: `outgoing` "
        "without KILLS.",
        Connection[Influence],
        listed="claims",
        order=BY_DELTA,
    )

    forecasts: Connection[ClaimForecast] = nested_links(
        Follows(FORECASTS, wrap="predictor"),
        "Probabilities that predictors gave to it, and retractions of some, newest first.",
        Connection[ClaimForecast],
        listed="predictors",
        order="by moment, the newest first,",
    )

    @field(metadata={"reads": ("id",), **extent(_families_extent)})
    async def families(self: Any, info: Info[Context, Any]) -> list[ClaimFamily]:
        """The families that it belongs to, by name: at most one of each kind."""
        return shown([shown_family(row) for row in await info.context.families_of.load(self["id"])])

    @field(metadata={"reads": ("id",), **extent(_consensus_extent), **drifts(unless="asOf")})
    async def consensus(self: Any, info: Info[Context, Any], as_of: AsOf = None) -> Consensus | None:
        """The consensus of all who gave it a probability, its maker the first; null if nobody did."""
        moment = as_of or info.context.moment
        found = await info.context.forecasts.load((self["id"], moment))
        return shown(await shown_consensus(info, None if found is None else consensus_of(found, moment)))

    @field(metadata={"reads": BELIEF_READS, "gathers": (CLASS,), **drifts()})
    async def edge(self: Any, info: Info[Context, Any]) -> float | None:
        """`probability` minus the newest price of a market, above 0 where that is too low; null without either."""
        belief = state_of(self, gathered(self, info, "class")).belief(info.context.moment)
        found = await info.context.forecasts.load((self["id"], info.context.moment))
        price = None if found is None else found.market_price(info.context.moment)
        return None if belief is None or price is None else figure(belief.probability - price)

    @field(metadata={"follows": Follows(OUTGOING, kinds_argument, is_walk=True)})
    def cascades(
        self: Any,
        info: Info[Any, Any],
        first: First = DEFAULT_PAGE_SIZE,
        depth: Annotated[
            int, strawberry.argument(description=f"Largest number of steps, 1 to {MAX_CASCADE_DEPTH}.")
        ] = 2,
        kinds: InfluenceKinds = None,
    ) -> Cascades:
        """The claims downstream of it, within some steps."""
        traversal = answer(self, info)
        figures = {name: getattr(traversal, name) for name in ("reached", "is_leaf", "is_truncated")}
        return shown(figures)

    @field(
        metadata={
            "reads": (*BELIEF_READS, *RECORDED_READS),
            "gathers": (CLASS, RECORDED_CLASS, LAST_ROW),
            **drifts(unless="asOf"),
            **reads_more(reads_past),
        }
    )
    def posterior(
        self: Any,
        info: Info[Context, Any],
        as_of: AsOf = None,
        known_at: KnownAt = None,
        policy: PolicyName = None,
    ) -> Posterior | None:
        """
        The belief in it and all that it is computed from; null without a stated probability.

        That of a closed claim is the one at the moment of its outcome. The rows of `evidence` are its contributions.
        """
        state = state_of(self, gathered(self, info, "class"), gathered(self, info, "recorded_class"))
        if as_of is None and known_at is None and policy is None:
            now = info.context.moment
            explained = ExplanationKey(PastKey(state.claim_id, now, now), None)
            return shown(shown_belief(state.belief(now), explained))
        return shown(belief_then(info.context, state, (as_of, known_at), gathered(self, info, "last"), policy))

    @field(metadata={"reads": BELIEF_READS, "gathers": (CLASS,), **drifts()})
    def probability(self: Any, info: Info[Context, Any]) -> Probability | None:
        """
        The posterior now, the one number for a card; `marginal` has the one after propagation beside it.

        Null without a stated probability.
        """
        belief = state_of(self, gathered(self, info, "class")).belief(info.context.moment)
        return shown(None if belief is None else belief.probability)

    @field(metadata={"reads": BELIEF_READS, "gathers": (CLASS,), **drifts()})
    async def probability_change(
        self: Any,
        info: Info[Context, Any],
        days: Annotated[
            int, strawberry.argument(description=f"Number of days to look back, 1 to {MOST_DAYS_AGO:,}.")
        ] = DEFAULT_DAYS_AGO,
    ) -> float | None:
        """
        `probability` minus what it was some days ago by the evidence of that time, including the drift of time.

        Null without a stated probability.
        """
        if not 1 <= days <= MOST_DAYS_AGO:
            message = f"expected a number from 1 to {MOST_DAYS_AGO}, got {days}"
            raise InvalidError(message, path="days")
        state, then = state_of(self, gathered(self, info, "class")), info.context.moment - timedelta(days=days)
        now = state.belief(info.context.moment)
        if now is None:
            return None
        past = await info.context.pasts.load(PastKey(state.claim_id, then, then))
        before = None if past is None else past.belief()
        return None if before is None else now.probability - before.probability

    @field(
        metadata={
            "reads": (*BELIEF_READS, *RECORDED_READS),
            "gathers": (WHOLE_CLASS, ROW_BEFORE, ROWS_WITHIN),
            **extent(_history_extent),
            **drifts(unless="to"),
        },
    )
    def probability_history(
        self: Any,
        info: Info[Context, Any],
        from_: Annotated[
            Moment | None,
            strawberry.argument(
                name="from",
                description="Start of the curve; if omitted, the start of the claim's window, or one year before `to` "
                "without a window.",
            ),
        ] = None,
        to: Annotated[Moment | None, strawberry.argument(description="End of the curve; now if omitted.")] = None,
        max_points: Annotated[
            int,
            strawberry.argument(description=f"Largest number of points, {LEAST_MAX_POINTS} to {MOST_MAX_POINTS}."),
        ] = DEFAULT_MAX_POINTS,
        policy: PolicyName = None,
    ) -> list[BeliefPoint]:
        """
        The belief over time, including the drift that time alone causes: at most `maxPoints` points, among them both
        ends and the lowest and highest of each of several equal intervals, so that no extreme is lost.
        """
        if not LEAST_MAX_POINTS <= max_points <= MOST_MAX_POINTS:
            message = f"expected {LEAST_MAX_POINTS} to {MOST_MAX_POINTS} points, got {max_points}"
            raise InvalidError(message, path="maxPoints")
        bounds = history_bounds(self, {"from": from_, "to": to}, info.context.moment)
        state = state_of(self, gathered(self, info, "class"))
        if state.stated_probability is None:
            return []
        if needs_versions(state, bounds[0]):
            return shown(_past_history(info.context, (state.claim_id, policy), bounds, max_points))
        before, within = gathered(self, info, "before"), gathered(self, info, "within")

        def compute() -> list[dict[str, Any]]:
            course = present_course(state, before, within, policy)
            return belief_points(course, state.resolved_at, bounds, max_points)

        return shown(info.context.compute_curve(compute, max_points + len(within)))

    @field(metadata={"reads": ("deadline",), **drifts()})
    def is_past_deadline(self: Any, info: Info[Context, Any]) -> bool:
        """Whether its deadline has passed; `dueForResolution` lists those that are open still."""
        return self["deadline"] is not None and self["deadline"] <= info.context.moment

    @field(metadata={"reads": MARGINAL_READS})
    def marginal(self: Any) -> Marginal | None:
        """
        The marginal stored by the last propagation run that converged; null if there is none or the claim was not
        included.
        """
        return shown(shown_marginal(self))

    @field(
        metadata={
            "reads": ("from_year", "window_start", "window_end", *RECORDED_READS),
            **drifts(unless="asOf"),
            **reads_more(reads_past),
        }
    )
    def time_remaining_fraction(
        self: Any, info: Info[Context, Any], as_of: AsOf = None, known_at: KnownAt = None
    ) -> float | None:
        """
        The fraction of its window that remains: 1 at the start, 0 at the deadline; null without a window.

        It does not stop at the outcome, unlike that of `posterior`.
        """
        if as_of is not None or known_at is not None:
            return shown(_time_remaining_then(info.context, self, as_of, known_at))
        window = window_of(self["from_year"], self["window_start"], self["window_end"])
        return figure(trf_at(window, info.context.moment))


async def _time_remaining_then(
    context: Context, claim: Any, as_of: datetime | None, known_at: datetime | None
) -> float | None:
    """The time-remaining fraction of a past moment, by the window recorded by another."""
    moment = as_of or context.moment
    window = window_of(claim["from_year"], claim["window_start"], claim["window_end"])
    if not is_recorded(Recorded.of(claim), moment, known_at or moment):
        past = await context.pasts.load(PastKey(claim["id"], moment, known_at or moment))
        window = window if past is None else past.window
    return figure(trf_at(window, moment))


async def _past_history(
    context: Context, asked: tuple[str, str | None], bounds: tuple[datetime, datetime], max_points: int
) -> list[dict[str, Any]]:
    """The curve of a belief, of a claim and under a policy, that follows from versions of its claim, too."""
    history = await context.histories.load(asked)
    if history is None:
        return []
    compute = partial(belief_points, history.course, history.settled_at(bounds[1]), bounds, max_points)
    points = context.compute_curve(compute, max_points + len(history.rows))
    return await points if inspect.isawaitable(points) else points


@row_type(rows.Scenario)
class Scenario(Claim):
    pass


@row_type(rows.Killer)
class Killer(Claim):
    pass
