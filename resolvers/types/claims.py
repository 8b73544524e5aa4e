"""Claims: what predictions, scenarios and killers have in common, and the latter two."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.inference.history import LEAST_MAX_POINTS, MOST_MAX_POINTS
from graph.inference.time import time_remaining_fraction, window_of
from graph.model.relations import DOCUMENTS, DOMAIN, EVIDENCE, OUTGOING
from resolvers.base.context import Context
from resolvers.base.enums import ClaimStatus
from resolvers.base.fields import InfluenceKinds, kinds_argument, many, one, page_of_kinds, prop
from resolvers.base.relay import DEFAULT_PAGE_SIZE, Connection, First, Node
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
    page_as_of,
    shown_belief,
    state_as_of,
    state_of,
    until_argument,
)
from resolvers.types.influences import INCOMING_INFLUENCES, OUTGOING_INFLUENCES, Cascades, Influence
from resolvers.types.marginals import MARGINAL_READS, Marginal, shown_marginal

if TYPE_CHECKING:
    from resolvers.types.documents import Document
    from resolvers.types.domains import Domain
    from resolvers.types.evidence import Evidence


DEFAULT_MAX_POINTS = 200


@strawberry.interface(description="Anything with a probability: a prediction, a scenario or a killer.")
class Claim(Node):
    """Anything with a probability."""

    title: str = prop("The claim in a line.")
    text: str | None = prop("The claim in full.")
    status: ClaimStatus = prop("Whether its outcome is known.")
    resolved_at: Moment | None = prop("When its outcome became known.")
    stated_probability: Probability | None = prop(
        "The probability that was stated; null where none is known: then the claim takes no part in anything computed."
    )
    probability_basis: str | None = prop("Where the stated probability comes from, where that needs saying.")
    from_year: int | None = prop("The year of its window.")
    to_year: int | None = prop("The last year that its source named; windows do not use it.")
    window_start: Moment | None = prop("When its explicit window opens.")
    window_end: Moment | None = prop("When its explicit window closes.")
    deadline: Moment | None = prop("When its window closes: the explicit end, else the last day of its year.")
    domain: Annotated["Domain", strawberry.lazy("resolvers.types.domains")] | None = one(DOMAIN, "What field it is in.")
    stored_posterior: Probability | None = strawberry.field(
        description="The posterior as it was stored last; what lists by probability go by.",
        metadata={"reads": ("posterior",)},
        resolver=lambda root: root["posterior"],
    )
    stored_posterior_as_of: Moment | None = strawberry.field(
        description="As of when it was stored.",
        metadata={"reads": ("posterior_as_of",)},
        resolver=lambda root: root["posterior_as_of"],
    )
    evidence: Connection[Annotated["Evidence", strawberry.lazy("resolvers.types.evidence")]] = many(
        Follows(EVIDENCE, until_argument), "The ledger's rows on it, the newest first.", page_as_of
    )
    documents: Connection[Annotated["Document", strawberry.lazy("resolvers.types.documents")]] = many(
        DOCUMENTS, "What was written about it, the newest first."
    )
    incoming: Connection[Influence] = many(
        INCOMING_INFLUENCES, "The influences on it, by the size of the implied delta.", page_of_kinds
    )
    outgoing: Connection[Influence] = many(
        OUTGOING_INFLUENCES, "The influences that it has, by the size of the implied delta.", page_of_kinds
    )
    prerequisites: Connection[Influence] = many(
        INCOMING_INFLUENCES, "What bears on it, those without a table too: the same rows as `incoming`.", page_of_kinds
    )
    dependents: Connection[Influence] = many(
        OUTGOING_INFLUENCES, "What it bears on, those without a table too: the same rows as `outgoing`.", page_of_kinds
    )

    @strawberry.field(
        description="What follows downstream of it, step by step.",
        metadata={"follows": Follows(OUTGOING, kinds_argument, is_walk=True)},
    )
    def cascades(
        self: Any,
        info: Info[Any, Any],
        first: First = DEFAULT_PAGE_SIZE,
        depth: Annotated[int, strawberry.argument(description=f"How many steps, 1 to {MAX_CASCADE_DEPTH}.")] = 2,
        kinds: InfluenceKinds = None,
    ) -> Cascades:
        """What follows downstream of it."""
        traversal = answer(self, info)
        shown: Any = {
            "reached": traversal.reached,
            "is_leaf": traversal.is_leaf,
            "is_truncated": traversal.is_truncated,
        }
        return shown

    @strawberry.field(
        description="The belief in it, with all that it is made of; null where no probability was stated. "
        "Its contributions are the rows of `evidence`.",
        metadata={"reads": BELIEF_READS, "gathers": (CLASS, LAST_ROW)},
    )
    def posterior(self: Any, info: Info[Context, Any], as_of: AsOf = None) -> Posterior | None:
        """The belief in it."""
        state = state_of(self, gathered(self, info, "class"))
        if as_of is not None:
            state = state_as_of(state, gathered(self, info, "last"))
        shown: Any = shown_belief(state.belief(as_of or info.context.moment))
        return shown

    @strawberry.field(
        description="The belief over time, the drift that time alone causes included: at most `maxPoints` points, with "
        "both ends and, of each stretch of equal time, the lowest and the highest, so that no extreme is lost.",
        metadata={"reads": BELIEF_READS, "gathers": (CLASS, ROW_BEFORE, ROWS_WITHIN)},
    )
    def probability_history(
        self: Any,
        info: Info[Context, Any],
        from_: Annotated[
            Moment | None,
            strawberry.argument(
                name="from", description="When it begins; the window's start when absent, or a year before `to`."
            ),
        ] = None,
        to: Annotated[Moment | None, strawberry.argument(description="When it ends; now when absent.")] = None,
        max_points: Annotated[
            int, strawberry.argument(description=f"The most points, {LEAST_MAX_POINTS} to {MOST_MAX_POINTS}.")
        ] = DEFAULT_MAX_POINTS,
    ) -> list[BeliefPoint]:
        """The belief over time."""
        if not LEAST_MAX_POINTS <= max_points <= MOST_MAX_POINTS:
            message = f"expected {LEAST_MAX_POINTS} to {MOST_MAX_POINTS} points, got {max_points}"
            raise InvalidError(message, path="maxPoints")
        bounds = history_bounds(self, {"from": from_, "to": to}, info.context.moment)
        state = state_of(self, gathered(self, info, "class"))
        shown: Any = belief_points(
            state, gathered(self, info, "before"), gathered(self, info, "within"), bounds, max_points
        )
        return shown

    @strawberry.field(
        description="What the whole network makes of it, as the last good propagation run has stored it; null where "
        "none has, or it takes no part.",
        metadata={"reads": MARGINAL_READS},
    )
    def marginal(self: Any, info: Info[Context, Any]) -> Marginal | None:
        """What the whole network makes of it."""
        shown: Any = shown_marginal(self, info.context.moment)
        return shown

    @strawberry.field(
        description="The share of its window that is left: 1 when just made, 0 at the deadline; null without a window.",
        metadata={"reads": ("from_year", "window_start", "window_end")},
    )
    def time_remaining_fraction(
        self: Any,
        info: Info[Context, Any],
        as_of: AsOf = None,
    ) -> float | None:
        """The share of its window that is left."""
        window = window_of(self["from_year"], self["window_start"], self["window_end"])
        moment = as_of or info.context.moment
        return None if window is None else time_remaining_fraction(*window, moment)


@strawberry.type(description="A course that the world may take.")
class Scenario(Claim):
    """A course that the world may take."""


@strawberry.type(description="What would make the predictions that it bears on fail.")
class Killer(Claim):
    """What would make the predictions that it bears on fail."""
