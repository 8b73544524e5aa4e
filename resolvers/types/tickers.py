"""Tickers, and the effects of predictions on them."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph.model import rows
from graph.model.relations import TICKER_EXPOSURES
from resolvers.base.described import field, object_type
from resolvers.base.fields import Signs, prop, signs_argument
from resolvers.base.relay import Connection, Node, global_id
from resolvers.base.row_types import row_type
from resolvers.base.selection import Follows
from resolvers.types.lists import nested_links

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@row_type(rows.Ticker)
class Ticker(Node):
    symbol: str
    exposures: Connection["TickerExposure"] = nested_links(
        Follows(TICKER_EXPOSURES, signs_argument, wrap="prediction"),
        "Effects of predictions on it, most relevant first.",
        Connection["TickerExposure"],
        listed="predictions",
        order="by relevance, the highest first,",
        more={"signs": Signs},
    )

    @field(metadata={"reads": ("name", "symbol")})
    def name(self: Any) -> str:
        """The name of the company or fund, which is the symbol if there is no other."""
        return self["name"] or self["symbol"]

    @field(metadata={"reads": ("symbol",)})
    def id(self: Any) -> strawberry.ID:
        """The global id, unique among all nodes; `node(id:)` takes it."""
        return strawberry.ID(global_id("Ticker", self["symbol"]))

    @field(metadata={"reads": ("symbol",)})
    def key(self: Any) -> str:
        """The symbol."""
        return self["symbol"]


@row_type(rows.Exposure)
class Exposure:
    pass


@object_type
class PredictionExposure(Exposure):
    """A ticker that a prediction benefits or harms."""

    ticker: Ticker = prop("The ticker that the prediction benefits or harms.")


@object_type
class TickerExposure(Exposure):
    """A prediction that benefits or harms a ticker."""

    prediction: Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")] = prop(
        "The prediction that benefits or harms the ticker."
    )
