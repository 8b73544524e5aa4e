"""The query of the graph's schema."""

from typing import Any

from strawberry.types import Info

from graph.database.contents import get_contents
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.types.graph_schema import GraphSchema, explain


@object_type
class GraphSchemaQueries:
    """The query of the graph's schema."""

    @field
    async def graph_schema(self, info: Info[Context, Any]) -> GraphSchema:
        """The graph as Cypher sees it: labels, relationship types, properties, counts and indexes."""
        return explain(await get_contents(info.context.unit))
