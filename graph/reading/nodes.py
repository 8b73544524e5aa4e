"""Nodes by id, and all nodes of one subject, with what hangs on them."""

from collections.abc import Sequence

from graph.database.sessions import Unit
from graph.model.subjects import subject_of
from graph.reading.following import get
from graph.reading.tree import Node, NodePlan, connection, cursor_text, fill, node_dict, page_key


async def get_nodes(unit: Unit, asked: Sequence[tuple[str, str]], plan: NodePlan) -> list[Node | None]:
    """Nodes by subject and id, None for each that is not there."""
    found = await get(unit, [(subject, node_id, plan.properties) for subject, node_id in asked])
    nodes = [None if entry is None else node_dict(*entry) for entry in found]
    await fill(unit, [node for node in nodes if node is not None], plan)
    return nodes


async def list_nodes(
    unit: Unit, subject: str, *, first: int, after: str | None, plan: NodePlan, wants_total: bool
) -> Node:
    """
    A page of all nodes of one subject by id, as a connection.

    Raises:
        InvalidError: The cursor is not from this list.
    """
    order = f"all {subject}"
    rows = await unit.run(
        "reading/list_nodes",
        subject=subject,
        after="" if after is None else page_key(order, after),
        properties=list(plan.properties),
        limit=first + 1,
    )
    found = [
        (
            cursor_text(order, row["key"]),
            node_dict(subject_of(row["labels"]), dict(zip(plan.properties, row["properties"], strict=True))),
        )
        for row in rows
    ]
    page = connection(found, first, has_previous=after is not None)
    page["total_count"] = (await unit.run("reading/count_nodes", subject=subject))[0]["total"] if wants_total else None
    await fill(unit, [edge["node"] for edge in page["edges"]], plan)
    return page
