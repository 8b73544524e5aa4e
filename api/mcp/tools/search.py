"""Search by words."""

import re
from html import unescape
from typing import Annotated, Any

from pydantic import Field

from api.mcp.asking import Asker
from api.mcp.fitting import Cutter, fit
from api.mcp.models import BoundedInput, BoundedOutput, OneOf, Part
from api.mcp.tool import Tool
from resolvers.base.enums import Subject
from resolvers.base.roles import Role


class SearchInput(BoundedInput):
    """Words, and the nodes to look for."""

    text: str = Field(
        min_length=1,
        max_length=2_000,
        description="The words to search for. Case, accents and punctuation do not matter; a misspelt letter may pass.",
    )
    subjects: list[Annotated[str, OneOf(Subject)]] | None = Field(
        default=None, description="Only nodes of these kinds; all kinds if omitted."
    )
    first: int = Field(default=10, ge=1, le=100, description="Number of results.")
    after: str | None = Field(default=None, description="The `next` of an earlier answer, to continue its list.")


class Match(Part):
    """A node that was found."""

    kind: str = Field(description="Kind of node, such as Prediction or Ticker.")
    key: str = Field(description="Its key, which other tools take.")
    name: str | None = Field(description="A line to show it by.")
    score: float = Field(description="How well it matches, above 0 and below 5; the title or key itself is 4.")
    snippet: str | None = Field(
        default=None, description="The part of its texts with the words, if it is not the name."
    )


class SearchOutput(BoundedOutput):
    """The nodes that were found, the best matches first."""

    matches: list[Match]
    total_count: int | None = Field(default=None, description="Number of matches; absent if there are more than 1,000.")
    next: str | None = Field(default=None, description="Give it as `after` for further results; absent at the end.")


async def search(asker: Asker, asked: SearchInput) -> SearchOutput:
    """Find nodes by their texts."""
    variables = asked.variables()
    variables.pop("maxTokens")
    found = await asker.ask("search", **variables)

    def shape(cutter: Cutter) -> SearchOutput:
        edges = cutter.items(found["edges"])
        has_more = found["pageInfo"]["hasNextPage"] or len(edges) < len(found["edges"])
        return SearchOutput(
            matches=[_match(edge, cutter) for edge in edges],
            total_count=found["totalCount"],
            next=edges[-1]["cursor"] if edges and has_more else None,
        )

    return fit(shape, asked.max_tokens)


def _match(edge: dict[str, Any], cutter: Cutter) -> Match:
    node, snippet = edge["node"], unescape(re.sub("</?mark>", "", edge["snippet"] or ""))
    return Match(
        kind=node["kind"],
        key=node["key"],
        name=cutter.text(node["displayName"]),
        score=edge["score"],
        snippet=None if snippet in {"", node["displayName"]} else cutter.text(snippet),
    )


SEARCH = Tool(
    name="search",
    title="Search",
    description=(
        "Find predictions, scenarios, killers, predictors, tickers and other nodes by words in their texts. "
        "Begin here to get the keys that other tools take."
    ),
    input=SearchInput,
    output=SearchOutput,
    run=search,
    needs=Role.READER,
)
