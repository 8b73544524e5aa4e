"""Documents: what was written about claims."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.model.relations import DOCUMENT_CLAIMS
from resolvers.base.fields import many, prop
from resolvers.base.relay import Connection, Node
from resolvers.base.scalars import Moment, Url

if TYPE_CHECKING:
    from resolvers.types.claims import Claim


@strawberry.type(description="Something written that bears on claims.")
class Document(Node):
    """Something written that bears on claims."""

    title: str = prop("The title.")
    url: Url | None = prop("Where it stands.")
    published_at: Moment | None = prop("When it came out, where known.")
    kind: str | None = prop("What kind of document it is.")
    claims: Connection[Annotated["Claim", strawberry.lazy("resolvers.types.claims")]] = many(
        DOCUMENT_CLAIMS, "The claims that it is about, by key."
    )
