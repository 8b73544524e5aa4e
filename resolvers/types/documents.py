"""Documents."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.model import rows
from graph.model.relations import DOCUMENT_CLAIMS
from resolvers.base.fields import many
from resolvers.base.relay import Connection, Node
from resolvers.base.row_types import row_type

if TYPE_CHECKING:
    from resolvers.types.claims import Claim


@row_type(rows.Document)
class Document(Node):
    claims: Connection[Annotated["Claim", strawberry.lazy("resolvers.types.claims")]] = many(
        DOCUMENT_CLAIMS, "Claims that it is about, by key."
    )
