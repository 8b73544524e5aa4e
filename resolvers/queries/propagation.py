"""The query of propagation runs."""

from enum import StrEnum
from typing import Any, Final

import strawberry
from strawberry.types import Info

from graph.model.page_keys import join, moment_text
from graph.network.runs import Runs, count_runs, list_runs_between, place_of_run
from resolvers.base.context import Context
from resolvers.base.described import enum_type, input_type, object_type
from resolvers.base.enums import InferenceMethod, SortOrder
from resolvers.base.extents import extent, page
from resolvers.base.keyed import KeyedList, KeyedPage, read_values
from resolvers.base.scalars import Moment
from resolvers.base.selection import wants_total
from resolvers.types.marginals import PropagationRun, shown_run


@enum_type
class PropagationRunSortKey(StrEnum):
    """Orders of propagation runs: by the moment when they began."""

    STARTED = "STARTED"


@input_type
class PropagationRunFilterInput:
    """Conditions on propagation runs; all that are given must hold."""

    method: list[InferenceMethod] | None = strawberry.field(default=None, description="By any of these methods.")
    is_converged: bool | None = strawberry.field(default=None, description="Whether it converged.")
    started_from: Moment | None = strawberry.field(default=None, description="Begun at this moment or later.")
    started_to: Moment | None = strawberry.field(default=None, description="Begun at this moment or earlier.")


_RUNS: Final = KeyedList(
    PropagationRun,
    "propagation runs",
    PropagationRunFilterInput,
    (PropagationRunSortKey.STARTED, SortOrder.DESCENDING),
    is_whole=False,
)


@object_type
class PropagationQueries:
    """The query of propagation runs."""

    @_RUNS.field(extent(page))
    async def propagation_runs(
        self, info: Info[Context, Any], page: KeyedPage, wanted: PropagationRunFilterInput | None
    ) -> Any:
        """Propagation runs, of which the latest 1,000 are kept, those that did not converge included."""
        unit, asked = info.context.unit, _read_conditions(wanted)
        found = await list_runs_between(unit, asked, page.size + 1, between=page.places, reads_down=page.reads_down)
        total = await count_runs(unit, asked) if wants_total(info) else None
        rows = []
        for run in found:
            at, own_id = place_of_run(run)
            rows.append((join(moment_text(at), own_id), shown_run(run)))
        return page.connection(rows, total)


def _read_conditions(given: PropagationRunFilterInput | None) -> Runs:
    wanted, every = given or PropagationRunFilterInput(), Runs()
    return Runs(
        read_values(wanted.method, "filter.method"),
        wanted.is_converged,
        wanted.started_from or every.started_from,
        wanted.started_to or every.started_to,
    )
