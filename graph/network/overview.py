"""The state of a graph at a glance: how much is in it, and how fresh what is computed over it is."""

from collections.abc import Mapping
from dataclasses import dataclass

from graph.database.contents import get_contents
from graph.database.sessions import Unit
from graph.model.catalogue import list_node_types
from graph.network.storing import RunKey


@dataclass(frozen=True, slots=True)
class Overview:
    """
    A graph at a glance.

    Attributes:
        num_nodes: The number of nodes of each label.
        revision: The graph's revision; 0 where it was never written.
        marginals: The run that all stored marginals hold for; None where none has been stored.
    """

    num_nodes: Mapping[str, int]
    revision: int
    marginals: RunKey | None

    @property
    def is_fresh(self) -> bool:
        """Whether the stored marginals are those of the graph's revision."""
        return self.marginals is not None and self.marginals.revision == self.revision


async def get_overview(unit: Unit) -> Overview:
    """Read a graph's overview; that of a graph without this version's schema is empty."""
    contents = await get_contents(unit)
    counts = {kind.label: contents.num_nodes.get(kind.label, 0) for kind in list_node_types()}
    return Overview(counts, *await get_freshness(unit))


async def get_freshness(unit: Unit) -> tuple[int, RunKey | None]:
    """Read the graph's revision, and the run that all stored marginals hold for; 0 and None where there is none."""
    rows = await unit.run("network/get_held")
    if not rows:
        return 0, None
    (row,) = rows
    return row["revision"], None if row["run_id"] is None else RunKey(row["run_id"], row["run_revision"], row["as_of"])
