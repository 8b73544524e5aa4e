"""Documents."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.model import rows
from graph.model.relations import DOCUMENT_CLAIMS
from resolvers.base.relay import Connection, Node
from resolvers.base.row_types import row_type
from resolvers.base.selection import Follows
from resolvers.types.lists import nested

if TYPE_CHECKING:
    from resolvers.types.claims import Claim


@row_type(rows.Document)
class Document(Node):
    claims: Connection[Annotated["Claim", strawberry.lazy("resolvers.types.claims")]] = nested(
        Follows(DOCUMENT_CLAIMS),
        "Claims that it is about, by key.",
        Connection[Annotated["Claim", strawberry.lazy("resolvers.types.claims")]],
        listed="claims",
        condition="document",
        sort="key",
    )
