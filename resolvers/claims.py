"""Claims: what predictions, scenarios and killers have in common, and the latter two."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.inference.time import time_remaining_fraction, window_of
from graph.relations import DOCUMENTS, DOMAIN, EVIDENCE, OUTGOING
from resolvers.enums import ClaimStatus
from resolvers.fields import InfluenceKinds, kinds_argument, many, one, page_of_kinds, prop
from resolvers.influences import INCOMING_INFLUENCES, OUTGOING_INFLUENCES, Cascades, Influence
from resolvers.relay import DEFAULT_PAGE_SIZE, Connection, First, Node
from resolvers.scalars import Moment, Probability
from resolvers.selection import MAX_CASCADE_DEPTH, Follows, answer

if TYPE_CHECKING:
    from resolvers.documents import Document
    from resolvers.domains import Domain
    from resolvers.evidence import Evidence


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
    domain: Annotated["Domain", strawberry.lazy("resolvers.domains")] | None = one(DOMAIN, "What field it is in.")
    evidence: Connection[Annotated["Evidence", strawberry.lazy("resolvers.evidence")]] = many(
        EVIDENCE, "The ledger's rows on it, the newest first."
    )
    documents: Connection[Annotated["Document", strawberry.lazy("resolvers.documents")]] = many(
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
        walk = answer(self, info)
        shown: Any = {"reached": walk.rows, "is_leaf": walk.is_leaf, "is_truncated": walk.is_truncated}
        return shown

    @strawberry.field(
        description="The share of its window that is left: 1 when just made, 0 at the deadline; null without a window.",
        metadata={"reads": ("from_year", "window_start", "window_end")},
    )
    def time_remaining_fraction(
        self: Any,
        as_of: Annotated[Moment | None, strawberry.argument(description="The moment; now when absent.")] = None,
    ) -> float | None:
        """The share of its window that is left."""
        window = window_of(self["from_year"], self["window_start"], self["window_end"])
        moment = datetime.now(UTC) if as_of is None else as_of
        return None if window is None else time_remaining_fraction(*window, moment)


@strawberry.type(description="A course that the world may take.")
class Scenario(Claim):
    """A course that the world may take."""


@strawberry.type(description="What would make the predictions that it bears on fail.")
class Killer(Claim):
    """What would make the predictions that it bears on fail."""
