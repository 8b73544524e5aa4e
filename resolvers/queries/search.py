"""The query for nodes by their texts."""

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.model.subjects import SUBJECTS
from graph.reading.matching import MAX_PIECES, MAX_QUERY_CHARACTERS
from graph.reading.search import MOST_COUNTED, search
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.enums import Subject
from resolvers.base.fields import shown
from resolvers.base.relay import DEFAULT_PAGE_SIZE, After, Edge, First, Node, PageInfo, decode_cursor, page_size
from resolvers.base.selection import connection_plan, selects


@object_type
class SearchEdge(Edge[Node]):
    """A node found, with how well it matches."""

    score: float = strawberry.field(
        description="How well it matches, above 0 and below 5. The whole part tells the way: 4, its title or key is "
        "the text; 3, its title has all words; 2, its texts have; 1, they have the last word as the beginning of one; "
        "0, words are misspelt by a letter. The rest compares matches of one way."
    )
    snippet: str | None = strawberry.field(
        description="The part of its texts that has the words, as HTML in which they stand between `<mark>` and "
        "`</mark>`."
    )


@object_type
class SearchConnection:
    """A page of the nodes found by their texts, the best matches first."""

    edges: list[SearchEdge] = strawberry.field(description="The nodes found, each with how well it matches.")
    page_info: PageInfo = strawberry.field(description="Position of the page in the list.")
    total_count: int | None = strawberry.field(
        description=f"Number of nodes found, counted only when selected; null if there are more than {MOST_COUNTED:,}."
    )

    @field
    def nodes(self: Any) -> list[Node]:
        """The nodes without their cursors."""
        return [edge["node"] for edge in self["edges"]]


@object_type
class SearchQueries:
    """The query for nodes by their texts."""

    @field
    async def search(
        self,
        info: Info[Context, Any],
        text: Annotated[
            str,
            strawberry.argument(
                description=f"The words to search for, at most {MAX_QUERY_CHARACTERS} characters; of many words the "
                f"first {MAX_PIECES} count unless they are a whole title. Case, accents and punctuation do not matter."
            ),
        ],
        subjects: Annotated[
            list[Subject] | None, strawberry.argument(description="Only nodes of these kinds; all kinds if omitted.")
        ] = None,
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
    ) -> SearchConnection:
        """
        Nodes whose texts have all of these words, the best matches first.

        A ticker whose symbol is the text comes first, then other nodes whose title or key is, then those whose titles
        have all words, then those whose other texts have them too, then those that have the last word as the beginning
        of one, then those where words are misspelt by a letter. Where one of these has many nodes, only a part of them
        is sorted at a time: the parts, into which nodes fall by their keys, follow each other in a fixed order.
        """
        labels = list(SUBJECTS) if subjects is None else [subject.value for subject in subjects]
        cursor = None if after is None else decode_cursor(after, path="after")
        plan, wants_total = connection_plan(info)
        found = await search(
            info.context.unit,
            text,
            subjects=labels,
            first=page_size(first),
            after=cursor,
            plan=plan,
            wants_snippets=selects(info, "edges", "snippet"),
            wants_total=wants_total,
        )
        return shown(found)
