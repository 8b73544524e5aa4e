"""Reads a running service through the client that ariadne-codegen has made. Argument: the service's address."""

import asyncio
import sys

from ariadne import Client


async def read(url: str) -> None:
    """Read two pages of a list, a page of a prediction, and the nodes around it."""
    async with Client(url=f"{url}/graphql") as client:
        first = (await client.board(first=3)).predictions
        second = (await client.board(first=3, after=first.page_info.end_cursor)).predictions
        cards = [*first.nodes, *second.nodes]
        assert len({card.id for card in cards}) == 6, cards
        assert all(card.deadline is None or card.probability is not None for card in cards)

        page = (await client.prediction_page(id=cards[0].key)).prediction
        assert page is not None
        assert page.title == cards[0].title
        around = (await client.around(id=cards[0].id)).neighborhood
        assert around is not None
        assert {edge.from_id for edge in around.edges} <= {node.id for node in around.nodes}
    print(f"ariadne-codegen: {len(around.nodes)} nodes around {page.title!r}")


asyncio.run(read(sys.argv[1]))
