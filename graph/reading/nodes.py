"""Reads nodes by id, and pages of all nodes of one subject, with the relations that a plan follows from them."""

from collections.abc import Sequence

from graph.database.sessions import Unit
from graph.model.subjects import subject_of
from graph.reading.following import get
from graph.reading.tree import Node, NodePlan, connection, cursor_text, fill, node_dict, page_key


async def get_nodes(unit: Unit, wanted: Sequence[tuple[str, str]], plan: NodePlan) -> list[Node | None]:
    """Return nodes by subject and id; None for each pair that no node has."""
    stored = await get(unit, [(subject, node_id, plan.properties) for subject, node_id in wanted])
    nodes = [None if entry is None else node_dict(*entry) for entry in stored]
    await fill(unit, [node for node in nodes if node is not None], plan)
    return nodes


async def list_nodes(
    unit: Unit, subject: str, *, first: int, after: str | None, plan: NodePlan, wants_total: bool
) -> Node:
    """
    Return a page of all nodes of one subject, in order of id, as a connection.

    Raises:
        InvalidError: The cursor is of another list.
    """
    order = f"all {subject}"
    rows = await unit.run(
        "reading/list_nodes",
        subject=subject,
        after="" if after is None else page_key(order, after),
        properties=list(plan.properties),
        limit=first + 1,
    )
    entries = [
        (
            cursor_text(order, row["key"]),
            node_dict(subject_of(row["labels"]), dict(zip(plan.properties, row["properties"], strict=True))),
        )
        for row in rows
    ]
    page = connection(entries, first, has_previous=after is not None)
    page["total_count"] = (await unit.run("reading/count_nodes", subject=subject))[0]["total"] if wants_total else None
    await fill(unit, [edge["node"] for edge in page["edges"]], plan)
    return page
