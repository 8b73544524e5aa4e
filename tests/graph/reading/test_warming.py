"""Warming: the reading statements are planned with the parameters that clients' requests have."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from graph.database.sessions import Database, Row, Unit
from graph.model.lists import LISTS
from graph.model.relations import RELATIONS
from graph.reading.warming import UNKNOWN_ID, warm
from tests.helpers.fake_unit import FakeUnit


class Nothing(FakeUnit):
    """An empty graph, which answers every statement."""

    async def run(self, name: str, /, **parameters: Any) -> list[Row]:
        """Record the statement."""
        self.calls.append((name, parameters))
        return []

    async def fetch(self, text: Any, parameters: Mapping[str, Any], *, is_alone: bool, max_rows: int = 1) -> Any:
        """Record the composed statement."""
        self.calls.append(("composed", {"text": text, **parameters}))


class Reads:
    """A database whose reads all run on one unit."""

    def __init__(self, unit: FakeUnit) -> None:
        self._unit = unit

    async def read(self, work: Callable[[Unit], Awaitable[Any]], *, timeout_seconds: float) -> Any:
        """One read transaction, which may take longer than a client's."""
        assert timeout_seconds > 60
        return await work(self._unit)


async def warmed() -> FakeUnit:
    """All that warming sends."""
    unit = Nothing({})
    await warm(cast("Database", Reads(unit)))
    return unit


async def test_every_relation_is_followed_and_every_page_counted() -> None:
    """A list that held no request would be planned for another type of parameter."""
    calls = (await warmed()).calls

    followed = [
        (relation, request["source"])
        for name, parameters in calls
        if name.startswith("reading/expand_")
        for relation, requests in parameters["requests"].items()
        for request in requests
    ]
    counted = {
        relation: len(requests)
        for name, parameters in calls
        if name == "reading/count_related"
        for relation, requests in parameters["requests"].items()
    }
    assert sorted(followed) == sorted((relation.name, UNKNOWN_ID) for relation in RELATIONS)
    assert counted == {relation.name: 1 for relation in RELATIONS if relation.is_many}


async def test_every_list_is_read_in_its_own_order() -> None:
    """
    That is what clients ask for first; other orders and conditions are planned when they come.

    Scenarios and killers have one statement, as they differ in its parameters alone.
    """
    calls = (await warmed()).calls
    texts = [parameters["text"] for name, parameters in calls if name == "composed"]

    assert len(set(texts)) == len(LISTS) - 1
    assert {"reading/get_nodes", "reading/search"} <= {name for name, _ in calls}


async def test_nothing_is_looked_for_that_could_be_there() -> None:
    """An id that no node has costs nothing to look up, however large the graph is."""
    (lookup,) = [parameters for name, parameters in (await warmed()).calls if name == "reading/get_nodes"]

    assert {request["source"] for requests in lookup["requests"].values() for request in requests} == {UNKNOWN_ID}
