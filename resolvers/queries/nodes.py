"""Nodes by id, lists of all of one subject, and full-text search over all of them."""

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.model.subjects import SUBJECTS
from graph.reading.nodes import get_nodes, list_nodes
from graph.reading.search import search
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.enums import Subject
from resolvers.base.relay import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    After,
    Connection,
    First,
    Node,
    decode_cursor,
    page_size,
    parse_global_id,
    parse_id,
)
from resolvers.base.selection import connection_plan, plan_of
from resolvers.types.claims import Killer, Scenario
from resolvers.types.documents import Document
from resolvers.types.domains import Domain
from resolvers.types.episodes import Episode
from resolvers.types.evidence import Evidence
from resolvers.types.milestones import Milestone
from resolvers.types.predictions import Prediction
from resolvers.types.predictors import Predictor
from resolvers.types.reference_classes import ReferenceClass
from resolvers.types.tickers import Ticker
from resolvers.types.validations import Validation

GlobalId = Annotated[strawberry.ID, strawberry.argument(description="A global id.")]
IdOrKey = Annotated[
    strawberry.ID, strawberry.argument(description="A global id, or the key as it stands in the graph.")
]


@object_type
class NodeQueries:
    """What can be asked about nodes by id and about all nodes of a subject."""

    @field
    async def node(self, info: Info[Context, Any], id: GlobalId) -> Node | None:
        """Any node by its global id; null where there is none."""
        found: Any = await get_nodes(info.context.unit, [parse_global_id(id)], plan_of(info))
        return found[0]

    @field
    async def nodes(
        self,
        info: Info[Context, Any],
        ids: Annotated[list[strawberry.ID], strawberry.argument(description=f"Global ids, at most {MAX_PAGE_SIZE}.")],
    ) -> list[Node | None]:
        """Nodes by their global ids, in the order of the ids; an unknown id gives null."""
        if len(ids) > MAX_PAGE_SIZE:
            message = f"expected at most {MAX_PAGE_SIZE} ids, got {len(ids)}"
            raise InvalidError(message, path="ids")
        asked = [parse_global_id(text, path=f"ids[{index}]") for index, text in enumerate(ids)]
        found: Any = await get_nodes(info.context.unit, asked, plan_of(info))
        return found

    @field
    async def prediction(self, info: Info[Context, Any], id: IdOrKey) -> Prediction | None:
        """A prediction by id or key; null where there is none."""
        return await _get_one(info, id, "Prediction")

    @field
    async def scenario(self, info: Info[Context, Any], id: IdOrKey) -> Scenario | None:
        """A scenario by id or key; null where there is none."""
        return await _get_one(info, id, "Scenario")

    @field
    async def killer(self, info: Info[Context, Any], id: IdOrKey) -> Killer | None:
        """A killer by id or key; null where there is none."""
        return await _get_one(info, id, "Killer")

    @field
    async def predictor(self, info: Info[Context, Any], id: IdOrKey) -> Predictor | None:
        """A predictor by id or key; null where there is none."""
        return await _get_one(info, id, "Predictor")

    @field
    async def reference_class(self, info: Info[Context, Any], id: IdOrKey) -> ReferenceClass | None:
        """A reference class by id or key; null where there is none."""
        return await _get_one(info, id, "ReferenceClass")

    @field
    async def milestone(self, info: Info[Context, Any], id: IdOrKey) -> Milestone | None:
        """A milestone by id or key; null where there is none."""
        return await _get_one(info, id, "Milestone")

    @field
    async def evidence(self, info: Info[Context, Any], id: IdOrKey) -> Evidence | None:
        """A row of the ledger by id or key; null where there is none."""
        return await _get_one(info, id, "Evidence")

    @field
    async def validation(self, info: Info[Context, Any], id: IdOrKey) -> Validation | None:
        """A validation by id or key; null where there is none."""
        return await _get_one(info, id, "Validation")

    @field
    async def ticker(self, info: Info[Context, Any], id: IdOrKey) -> Ticker | None:
        """A ticker by id or key; null where there is none."""
        return await _get_one(info, id, "Ticker")

    @field
    async def document(self, info: Info[Context, Any], id: IdOrKey) -> Document | None:
        """A document by id or key; null where there is none."""
        return await _get_one(info, id, "Document")

    @field
    async def episode(self, info: Info[Context, Any], id: IdOrKey) -> Episode | None:
        """An episode by id or key; null where there is none."""
        return await _get_one(info, id, "Episode")

    @field
    async def domain(self, info: Info[Context, Any], id: IdOrKey) -> Domain | None:
        """A domain by id or key; null where there is none."""
        return await _get_one(info, id, "Domain")

    @field
    async def scenarios(
        self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Connection[Scenario]:
        """All scenarios by key."""
        return await _list(info, "Scenario", first, after)

    @field
    async def killers(
        self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Connection[Killer]:
        """All killers by key."""
        return await _list(info, "Killer", first, after)

    @field
    async def predictors(
        self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Connection[Predictor]:
        """All predictors by key."""
        return await _list(info, "Predictor", first, after)

    @field
    async def reference_classes(
        self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Connection[ReferenceClass]:
        """All reference classes by key."""
        return await _list(info, "ReferenceClass", first, after)

    @field
    async def tickers(
        self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Connection[Ticker]:
        """All tickers by key."""
        return await _list(info, "Ticker", first, after)

    @field
    async def documents(
        self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Connection[Document]:
        """All documents by key."""
        return await _list(info, "Document", first, after)

    @field
    async def episodes(
        self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Connection[Episode]:
        """All episodes by key."""
        return await _list(info, "Episode", first, after)

    @field
    async def domains(
        self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Connection[Domain]:
        """All domains by key."""
        return await _list(info, "Domain", first, after)

    @field
    async def search(
        self,
        info: Info[Context, Any],
        text: Annotated[str, strawberry.argument(description="Words.")],
        subjects: Annotated[
            list[Subject] | None,
            strawberry.argument(description="Only nodes of these subjects; all that have texts when absent."),
        ] = None,
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
    ) -> Connection[Node]:
        """
        The nodes in whose texts every one of these words occurs, the best match first; the last word may be the
        beginning of one.

        Looks at the ten thousand best matches.
        """
        labels = list(SUBJECTS) if subjects is None else [subject.value for subject in subjects]
        cursor = None if after is None else decode_cursor(after, path="after")
        plan, _ = connection_plan(info)
        found: Any = await search(
            info.context.unit, text, subjects=labels, first=page_size(first), after=cursor, plan=plan
        )
        return found


async def _get_one(info: Info[Context, Any], text: str, subject: str) -> Any:
    return (await get_nodes(info.context.unit, [parse_id(text, subject)], plan_of(info)))[0]


async def _list(info: Info[Context, Any], subject: str, first: int, after: str | None) -> Any:
    plan, wants_total = connection_plan(info)
    cursor = None if after is None else decode_cursor(after, path="after")
    return await list_nodes(
        info.context.unit, subject, first=page_size(first), after=cursor, plan=plan, wants_total=wants_total
    )
