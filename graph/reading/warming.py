"""Has the database plan the reading statements before a client has to wait for it."""

from graph.database.sessions import ComposedUnit, Database
from graph.model.lists import LISTS
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


async def warm(database: Database) -> None:
    """
    Run each reading statement once, with ids that no node has.

    Planning a statement takes the database up to a second. It caches plans by the statement's text and by the types of
    its parameters, so clients' requests use the plans that are made here.
    """
    await database.read(_run_statements, timeout_seconds=WARMING_TIMEOUT_SECONDS)


async def _run_statements(unit: ComposedUnit) -> None:
    plan = NodePlan(properties=("id",))
    await get_nodes(unit, [("Claim", UNKNOWN_ID)], plan)
    requests = [Request(relation, UNKNOWN_ID, arguments=_empty_types(relation)) for relation in RELATIONS]
    await follow(unit, requests)
    await count(unit, [request for request in requests if request.relation.is_many])
    for listed in LISTS:
        page = ListPage(listed, ListFilter({}), listed.sorts[0], size=1, is_descending=listed.is_descending)
        composed = page.compose(plan, wants_total=False)
        await unit.fetch(composed.text, composed.parameters_for([page.nowhere()], 1), is_alone=False)
    around = NeighborhoodQuery(depth=1, kinds=RELATIONSHIP_TYPES, goes_out=True, goes_in=True, limit=1)
    for subject in (CLAIM, "Ticker"):
        await find_neighborhood(unit, subject, UNKNOWN_ID, around, plan)
    await search(unit, UNKNOWN_ID, subjects=CLAIM_SUBJECTS, first=1, after=None, plan=plan)
    await unit.run("database/get_revision")
    for name in ("network/list_claims", "network/list_influences"):
        await unit.run(name, after=AFTER_ALL_IDS, limit=1)
    await unit.run("network/list_changes", revision=AFTER_ALL_REVISIONS, limit=1)
    await unit.run("network/list_changed", ids={"claim_ids": [UNKNOWN_ID], "child_ids": [UNKNOWN_ID]})
    await unit.run("network/list_exposures", ids=[UNKNOWN_ID])


def _empty_types(relation: Relation) -> dict[str, list[str]]:
    return {} if relation.types_argument is None else {relation.types_argument: []}
