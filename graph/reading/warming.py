"""Has the database plan the reading statements before the first client waits for it."""

from graph.database.sessions import Database, Unit
from graph.model.relations import RELATIONS, Relation
from graph.model.subjects import CLAIM_SUBJECTS
from graph.reading.following import Request, count, follow
from graph.reading.nodes import get_nodes, list_nodes
from graph.reading.predictions import PredictionFilter, PredictionOrder, PredictionPage, list_predictions
from graph.reading.search import search
from graph.reading.tree import NodePlan

WARMING_TIMEOUT_SECONDS = 120.0  # nobody waits for it, and a busy machine plans slowly
BEHIND_ALL = "~"  # no id begins so
NOBODY = "nobody"  # an id that finds nothing costs nothing, and the plan is the same


async def warm(database: Database) -> None:
    """
    Run each reading statement once on ids that nobody has.

    The first plan of a statement takes the database up to a second; it keeps plans by text and by the types of the
    parameters, so what is planned here is what clients use.
    """
    await database.read(_read_nothing, timeout_seconds=WARMING_TIMEOUT_SECONDS)


async def _read_nothing(unit: Unit) -> None:
    plan = NodePlan(properties=("id",))
    await get_nodes(unit, [("Claim", NOBODY)], plan)
    requests = [Request(relation, NOBODY, arguments=_no_types(relation)) for relation in RELATIONS]
    await follow(unit, requests)
    await count(unit, [request for request in requests if request.relation.is_many])
    for order in PredictionOrder:
        for is_descending in (False, True):
            page = PredictionPage(size=1, order=order, is_descending=is_descending)
            await list_predictions(unit, PredictionFilter(predictor_id=NOBODY), page, plan)
    await search(unit, NOBODY, subjects=CLAIM_SUBJECTS, first=1, after=None, plan=plan)
    await list_nodes(unit, "Killer", first=1, after=None, plan=plan, wants_total=False)
    await unit.run("database/get_revision")
    for name in ("network/list_claims", "network/list_influences"):
        await unit.run(name, after=BEHIND_ALL, limit=1)
    await unit.run("network/list_exposures", ids=[NOBODY])


def _no_types(relation: Relation) -> dict[str, list[str]]:
    return {} if relation.types_argument is None else {relation.types_argument: []}
