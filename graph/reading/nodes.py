"""Reads nodes by id, with the relations that a plan follows from them."""

from collections.abc import Sequence

from graph.database.sessions import Unit
from graph.reading.following import get
from graph.reading.tree import Node, NodePlan, fill, node_dict


async def get_nodes(unit: Unit, wanted: Sequence[tuple[str, str]], plan: NodePlan) -> list[Node | None]:
    """Return nodes by subject and id; None for each pair that no node has."""
    stored = await get(unit, [(subject, node_id, plan.properties) for subject, node_id in wanted])
    nodes = [None if entry is None else node_dict(*entry) for entry in stored]
    await fill(unit, [node for node in nodes if node is not None], plan)
    return nodes
