"""Reference classes: the outside view."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.model import rows
from graph.model.relations import REFERENCE_CLASS_PREDICTIONS
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.drift import drifts
from resolvers.base.extents import Extent, extent
from resolvers.base.fields import prop, shown
from resolvers.base.figures import figure
from resolvers.base.relay import DEFAULT_PAGE_SIZE, Connection, Node
from resolvers.base.row_types import row_type
from resolvers.base.scalars import Probability
from resolvers.base.selection import reads_more
from resolvers.types.beliefs import AsOf, KnownAt, reads_past
from resolvers.types.lists import nested_predictions
from resolvers.types.predictor_records import CalibrationDrift, shown_drift

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@object_type
class LearnedRate:
    """A class's rate of coming true by its members' own outcomes, from a prior of eight at the rate of all claims."""

    rate: float = prop("Its mean.")
    low_probability: Probability = prop("Lower end of the interval that holds it with 90 %.")
    high_probability: Probability = prop("Upper end of that interval.")
    true_count: int = prop("Number of members that came true.")
    resolved_count: int = prop("Number of members that came true or false; annulled ones do not count.")


@row_type(rows.ReferenceClass)
class ReferenceClass(Node):
    @field(metadata={"reads": ("id",), **extent(lambda _: Extent(rows=1)), **drifts()})
    async def learned_rate(self: Any, info: Info[Context, Any]) -> LearnedRate | None:
        """The rate that its members with outcomes show, beside the `baseRate` that was stated."""
        found = await info.context.learned_rates.load(self["id"])
        if found is None:
            return None
        ends = {"low_probability": figure(found.low), "high_probability": figure(found.high)}
        rates = {"rate": figure(found.rate), **ends}
        return shown({**rates, "true_count": found.num_true, "resolved_count": found.num_resolved})

    @field(
        metadata={
            "reads": ("id", "base_rate"),
            **extent(lambda _: Extent(rows=DEFAULT_PAGE_SIZE)),
            **drifts(unless="asOf"),
            **reads_more(reads_past),
        }
    )
    async def drift(
        self: Any, info: Info[Context, Any], as_of: AsOf = None, known_at: KnownAt = None
    ) -> CalibrationDrift:
        """
        Drift of its members' outcomes from the base rate, in the order in which they count.

        With `asOf`, of its members and from its base rate of then, by the outcomes that had come and were recorded.
        """
        if as_of is not None or known_at is not None:
            at = as_of or info.context.moment
            found = await info.context.past_class_drifts.load((self["id"], at, known_at or at))
            return shown(shown_drift(found.drift, is_reconstructed=found.is_reconstructed))
        return shown(shown_drift(await info.context.class_drifts.load((self["id"], self["base_rate"]))))

    predictions: Connection[Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")]] = (
        nested_predictions(
            REFERENCE_CLASS_PREDICTIONS, "Predictions in it, nearest deadline first.", condition="reference_class"
        )
    )
