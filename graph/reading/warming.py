"""Has the database plan the reading statements before a client has to wait for it."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from graph.database.sessions import ComposedUnit, Database, Unit
from graph.model.lists import LISTS, Listed
from graph.model.relations import RELATIONS, RELATIONSHIP_TYPES, Relation
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS
from graph.reading.following import Request, count, follow
from graph.reading.lists import ListFilter, ListPage
from graph.reading.neighborhood import NeighborhoodQuery, find_neighborhood
from graph.reading.nodes import get_nodes
from graph.reading.search import search
from graph.reading.tree import NodePlan

WARMING_TIMEOUT_SECONDS = 120.0  # no client waits for it, and a busy machine plans slowly
AFTER_ALL_IDS = "~"  # sorts after every id
AFTER_ALL_REVISIONS = 2**62
UNKNOWN_ID = "nobody"  # an id that no node has costs nothing to look up, and the plan is the same

_NETWORK: Final[Mapping[str, Mapping[str, Any]]] = {
    "database/get_revision": {},
    "network/list_claims": {"after": AFTER_ALL_IDS, "limit": 1},
    "network/list_influences": {"after": AFTER_ALL_IDS, "limit": 1},
    "network/list_changes": {"revision": AFTER_ALL_REVISIONS, "limit": 1},
    "network/list_changed": {"ids": {"claim_ids": [UNKNOWN_ID], "child_ids": [UNKNOWN_ID]}},
    "network/list_exposures": {"ids": [UNKNOWN_ID]},
}


async def warm(database: Database, pause: Callable[[], Awaitable[None]] | None = None) -> None:
    """
    Run each reading statement once, with ids that no node has.

    Planning a statement takes the database up to a second. It caches plans by the statement's text and by the types of
    its parameters, so clients' requests use the plans that are made here.

    Args:
        database: The database.
        pause: Awaited before each step, so that clients may go first.
    """
    for step in _steps():
        if pause is not None:
            await pause()
        await database.read(step, timeout_seconds=WARMING_TIMEOUT_SECONDS)


def _steps() -> Iterator[Callable[[ComposedUnit], Awaitable[object]]]:
    """List what is run, each in some statements."""
    plan = NodePlan(properties=("id",))
    yield lambda unit: get_nodes(unit, [("Claim", UNKNOWN_ID)], plan)
    requests = [Request(relation, UNKNOWN_ID, arguments=_empty_types(relation)) for relation in RELATIONS]
    yield lambda unit: follow(unit, requests)
    yield lambda unit: count(unit, [request for request in requests if request.relation.is_many])
    for listed in LISTS:
        yield partial(_run_list, listed=listed, plan=plan)
    around = NeighborhoodQuery(depth=1, kinds=RELATIONSHIP_TYPES, goes_out=True, goes_in=True, limit=1)
    for subject in (CLAIM, "Ticker", "Predictor"):  # a statement for each
        yield partial(find_neighborhood, subject=subject, node_id=UNKNOWN_ID, query=around, plan=plan)
    yield partial(search, text=UNKNOWN_ID, subjects=CLAIM_SUBJECTS, first=1, after=None, plan=plan)
    for name, parameters in _NETWORK.items():
        yield partial(_run, name=name, parameters=parameters)


async def _run_list(unit: ComposedUnit, listed: Listed, plan: NodePlan) -> None:
    page = ListPage(listed, ListFilter({}), listed.sorts[0], size=1, is_descending=listed.is_descending)
    composed = page.compose(plan, wants_total=False)
    await unit.fetch(composed.text, composed.parameters_for([page.nowhere()], 1), is_alone=False)


async def _run(unit: Unit, name: str, parameters: Mapping[str, Any]) -> None:
    await unit.run(name, **parameters)


def _empty_types(relation: Relation) -> dict[str, list[str]]:
    return {} if relation.types_argument is None else {relation.types_argument: []}
