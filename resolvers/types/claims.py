"""Claims: what predictions, scenarios and killers have in common, and the latter two."""

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.inference.history import LEAST_MAX_POINTS, MOST_MAX_POINTS
from graph.inference.time import time_remaining_fraction, window_of
from graph.model import rows
from graph.model.relations import DOCUMENTS, DOMAIN, EVIDENCE, OUTGOING
from resolvers.base.context import Context
from resolvers.base.described import field
from resolvers.base.drift import drifts
from resolvers.base.extents import Arguments, Extent, extent, number
from resolvers.base.fields import InfluenceKinds, kinds_argument, one, shown
from resolvers.base.figures import figure
from resolvers.base.relay import DEFAULT_PAGE_SIZE, Connection, First, Node
from resolvers.base.row_types import row_interface, row_type
from resolvers.base.scalars import Moment, Probability
from resolvers.base.selection import MAX_CASCADE_DEPTH, Follows, answer, gathered
from resolvers.types.beliefs import (
    BELIEF_READS,
    CLASS,
    LAST_ROW,
    ROW_BEFORE,
    ROWS_WITHIN,
    AsOf,
    BeliefPoint,
    Posterior,
    belief_points,
    history_bounds,
    past_state,
    recorded_until,
    shown_belief,
    state_as_of,
    state_of,
    until_argument,
)
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

    @field(metadata={"reads": BELIEF_READS, "gathers": (CLASS, LAST_ROW), **drifts(unless="asOf")})
    def posterior(self: Any, info: Info[Context, Any], as_of: AsOf = None) -> Posterior | None:
        """
        The belief in it and all that it is computed from; null without a stated probability.

        The rows of `evidence` are its contributions.
        """
        state = state_of(self, gathered(self, info, "class"))
        if as_of is not None:
            state = state_as_of(state, gathered(self, info, "last"))
        return shown(shown_belief(state.belief(as_of or info.context.moment)))

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
        before = past_state(state, await info.context.past_log_odds.load((state.claim_id, then))).belief(then)
        return None if before is None else now.probability - before.probability

    @field(
        metadata={
            "reads": BELIEF_READS,
            "gathers": (CLASS, ROW_BEFORE, ROWS_WITHIN),
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
        before, within = gathered(self, info, "before"), gathered(self, info, "within")
        compute = partial(belief_points, state, before, within, bounds, max_points)
        return shown(info.context.compute_curve(compute, max_points + len(within)))

    @field(metadata={"reads": MARGINAL_READS})
    def marginal(self: Any) -> Marginal | None:
        """
        The marginal stored by the last propagation run that converged; null if there is none or the claim was not
        included.
        """
        return shown(shown_marginal(self))

    @field(metadata={"reads": ("from_year", "window_start", "window_end"), **drifts(unless="asOf")})
    def time_remaining_fraction(
        self: Any,
        info: Info[Context, Any],
        as_of: AsOf = None,
    ) -> float | None:
        """The fraction of its window that remains: 1 at the start, 0 at the deadline; null without a window."""
        window = window_of(self["from_year"], self["window_start"], self["window_end"])
        moment = as_of or info.context.moment
        return None if window is None else figure(time_remaining_fraction(*window, moment))


@row_type(rows.Scenario)
class Scenario(Claim):
    pass


@row_type(rows.Killer)
class Killer(Claim):
    pass
