"""The query of propagation runs."""

from typing import Any

from strawberry.types import Info

from graph.network.propagation import list_latest_runs
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.fields import shown
from resolvers.base.relay import DEFAULT_PAGE_SIZE, First, page_size
from resolvers.types.marginals import PropagationRun, shown_run


@object_type
class PropagationQueries:
    """The query of propagation runs."""

    @field
    async def propagation_runs(
        self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE
    ) -> list[PropagationRun]:
        """The latest propagation runs, newest first, including those that did not converge."""
        return shown([shown_run(run) for run in await list_latest_runs(info.context.unit, page_size(first))])
