"""Statements of links within a node: what shapes their texts, and what a page of a hub costs."""

from dataclasses import replace
from typing import Any

import pytest

from graph.database.sessions import Database
from graph.errors import InvalidError
from graph.model.lists import BY_NAME
from graph.model.relations import INCOMING, OUTGOING, TICKER_EXPOSURES
from graph.reading.links import LinkPage, read_links
from graph.reading.lists import ListFilter
from graph.reading.tree import Follow, NodePlan
from tests.graph.reading.test_lists import MOST_HITS, hub  # noqa: F401 - the fixture
from tests.helpers.profiling import NUM_CHILDREN

pytestmark = pytest.mark.statements

CLAIMS = BY_NAME["claims"]
PAGE = LinkPage(OUTGOING, ("KILLS",), "TK_HUB", CLAIMS, ListFilter({}), None, 20)
FOLLOW = Follow(
    "outgoing", OUTGOING, NodePlan(("id", "title")), frozenset({"Killer"}), link=("kind", "p_if_true"), wrap="claim"
)
KILLER = {"id": "TK_HUB", "__typename": "Killer"}


async def read_page(database: Database, page: LinkPage, **follow: Any) -> dict[str, Any]:
    """A page as the response holds it."""
    async with database.reading() as unit:
        (found,) = await read_links(unit, [page], replace(FOLLOW, **follow), "claim", [KILLER])
    return found


async def hits_of(database: Database, page: LinkPage) -> int:
    """The store accesses of a page."""
    own = page.compose(FOLLOW, wants_total=False)
    async with database.open_session() as session:
        result = await session.run(f"PROFILE {own.text}", p=own.parameters_for([page.parameters()], page.num_nodes))
        summary = await result.consume()

    def count(plan: dict[str, Any]) -> int:
        return int(plan["args"].get("DbHits", 0)) + sum(count(child) for child in plan.get("children", ()))

    assert summary.profile is not None
    return count(summary.profile)


async def test_a_page_of_a_hub_costs_by_its_rows(hub: Database) -> None:  # noqa: F811 - the fixture
    """From both ends, with a condition that most satisfy; of few links also in another order."""
    few = replace(PAGE, source="TK_FEW")

    assert await hits_of(hub, PAGE) < MOST_HITS
    assert await hits_of(hub, replace(PAGE, is_from_end=True)) < MOST_HITS
    assert await hits_of(hub, replace(PAGE, filter=ListFilter({"status": ["OPEN"]}))) < MOST_HITS
    assert await hits_of(hub, replace(few, sort=CLAIMS.sort("stated"))) < 2 * MOST_HITS


async def test_links_of_a_hub_are_not_sorted_by_what_they_lead_to(hub: Database) -> None:  # noqa: F811 - the fixture
    """Which is known without reading them; the total is that of all."""
    page = replace(PAGE, sort=CLAIMS.sort("stated"))

    with pytest.raises(InvalidError, match="at most 1,000 of them"):
        await read_page(hub, page)
    assert await hits_of(hub, page) < MOST_HITS
    assert (await read_page(hub, PAGE, wants_total=True))["total_count"] == NUM_CHILDREN


async def test_a_cursor_of_another_node_is_refused(hub: Database) -> None:  # noqa: F811 - the fixture
    """Its page key lies outside of the node's."""
    (edge, *_) = (await read_page(hub, PAGE))["edges"]

    for changed in ({"source": "TK_FEW"}, {"sort": CLAIMS.sort("stated")}):
        with pytest.raises(InvalidError, match="this very connection"):
            await read_page(hub, replace(PAGE, after=edge["cursor"], **changed))


def test_texts_do_not_depend_on_values() -> None:
    """Pages of one shape have one text, those of another shape another."""
    pages = [
        replace(PAGE, source="TK_FEW", size=3),
        replace(PAGE, filter=ListFilter({"status": ["OPEN"]})),
        replace(PAGE, filter=ListFilter({}, "word")),
        replace(PAGE, relation=INCOMING),
        replace(PAGE, types=("KILLS", "PREREQUISITE_OF")),
        replace(PAGE, is_from_end=True),
        replace(PAGE, sort=CLAIMS.sort("key")),
        LinkPage(TICKER_EXPOSURES, ("HARMS",), "NVDA", BY_NAME["predictions"], ListFilter({}), None, 20),
    ]
    texts: dict[Any, set[str]] = {}
    for page in [PAGE, *pages]:
        texts.setdefault(page.shape, set()).add(page.compose(FOLLOW, wants_total=False).text)

    assert len(texts) == len(pages)
    assert {len(found) for found in texts.values()} == {1}
