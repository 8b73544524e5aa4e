"""The nodes around a node."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from api.mcp.asking import Asker, ToolRefusedError, tell
from api.mcp.fitting import Cutter, fit
from api.mcp.models import BoundedInput, BoundedOutput, Key, OneOf, Part
from api.mcp.tool import Tool
from resolvers.base.enums import EdgeKind, Orientation
from resolvers.base.roles import Role


class NeighborhoodInput(BoundedInput):
    """Start of a walk, and its extent."""

    id: Key = Field(description="Key of a claim, or the global id of any node.")
    depth: int = Field(default=1, ge=1, le=4, description="Largest number of steps.")
    kinds: list[Annotated[str, OneOf(EdgeKind)]] | None = Field(
        default=None, description="Only edges of these kinds, such as PREREQUISITE_OF and KILLS; all kinds if omitted."
    )
    orientation: Annotated[str, OneOf(Orientation)] = Field(
        default="BOTH", description="IN follows edges backwards to what bears on it, OUT to what it bears on."
    )
    first: int = Field(default=30, ge=1, le=500, description="Largest number of nodes.")


class NodeLine(Part):
    """A node."""

    kind: str
    key: str
    name: str | None
    status: str | None = None
    stated_probability: float | None = None
    probability: float | None = Field(default=None, description="The belief now.")


class EdgeLine(Part):
    """An edge between two of the nodes, by their keys."""

    kind: str
    start: str = Field(description="Key of the node that it starts from.")
    end: str = Field(description="Key of the node that it leads to.")
    probability_if_true: float | None = Field(default=None, description="For an influence: P(end | start true).")
    probability_if_false: float | None = Field(default=None, description="For an influence: P(end | start false).")
    relevance: float | None = None
    impact: float | None = None


class NeighborhoodOutput(BoundedOutput):
    """Nodes, nearest first, and the edges between them."""

    nodes: list[NodeLine]
    edges: list[EdgeLine]
    is_truncated: bool = Field(description="Whether there are more nodes or edges within these steps.")


async def get_neighborhood(asker: Asker, asked: NeighborhoodInput) -> NeighborhoodOutput:
    """Read the nodes within some steps."""
    variables = asked.variables()
    variables.pop("maxTokens")
    found = await asker.ask("neighborhood", **variables)
    if found is None:
        message = f"no claim has the key {asked.id[:80]!r}, and no node that id; `search` finds keys"
        raise ToolRefusedError(tell("NOT_FOUND", message, ["id"]))
    return fit(lambda cutter: _shape(found, cutter), asked.max_tokens)


def _shape(found: Mapping[str, Any], cutter: Cutter) -> NeighborhoodOutput:
    nodes = cutter.items(found["nodes"])
    keys = {node["id"]: node["key"] for node in nodes}
    edges = [edge for edge in found["edges"] if edge["fromId"] in keys and edge["toId"] in keys]
    return NeighborhoodOutput.model_validate(
        {
            "nodes": [{**node, "name": cutter.text(node["displayName"])} for node in nodes],
            "edges": [{**edge, "start": keys[edge["fromId"]], "end": keys[edge["toId"]]} for edge in edges],
            "isTruncated": found["isTruncated"] or len(nodes) < len(found["nodes"]),
        }
    )


GET_NEIGHBORHOOD = Tool(
    name="get_neighborhood",
    title="Neighbourhood",
    description=(
        "Read the nodes within some steps of a node and the edges between them: what has to happen first, what would "
        "rule it out, who said it, and which tickers it moves."
    ),
    input=NeighborhoodInput,
    output=NeighborhoodOutput,
    run=get_neighborhood,
    needs=Role.READER,
)
