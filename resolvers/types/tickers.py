"""Tickers, and what predictions do to them."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph.model.relations import TICKER_EXPOSURES
from resolvers.base.enums import ExposureSign
from resolvers.base.fields import many, page_of_signs, prop, signs_argument
from resolvers.base.relay import Connection, Node, global_id
from resolvers.base.selection import Follows

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@strawberry.type(description="What is traded under a symbol.")
class Ticker(Node):
    """What is traded under a symbol."""

    symbol: str = prop("The symbol, which is also the key.")
    name: str | None = prop("The company's or fund's name.")
    exchange: str | None = prop("Where it is traded.")
    sector: str | None = prop("What it does.")
    exposures: Connection["TickerExposure"] = many(
        Follows(TICKER_EXPOSURES, signs_argument, wrap="prediction"),
        "What predictions would do to it, the most relevant first.",
        page_of_signs,
    )

    @strawberry.field(
        description="The global id, unique over all subjects; `node(id:)` finds it again.",
        metadata={"reads": ("symbol",)},
    )
    def id(self: Any) -> strawberry.ID:
        """The global id."""
        return strawberry.ID(global_id("Ticker", self["symbol"]))

    @strawberry.field(description="The symbol.", metadata={"reads": ("symbol",)})
    def key(self: Any) -> str:
        """The symbol."""
        found: str = self["symbol"]
        return found


@strawberry.type(description="What a prediction that comes true does to a ticker.")
class Exposure:
    """What a prediction that comes true does to a ticker."""

    sign: ExposureSign = prop("Whether it benefits or harms the ticker.")
    relevance: float | None = prop("How much the prediction matters to the ticker, 0 to 1; null where nobody said.")
    impact: float | None = prop("The price's fractional change if the prediction comes true, where known.")
    basis: str | None = prop("Why.")
    source: str | None = prop("Who says so.")
    lag_days: int | None = prop("How many days after the prediction the effect shows, where known.")


@strawberry.type(description="A ticker that a prediction benefits or harms.")
class PredictionExposure(Exposure):
    """A ticker that a prediction benefits or harms."""

    ticker: Ticker = prop("The ticker.")


@strawberry.type(description="A prediction that benefits or harms a ticker.")
class TickerExposure(Exposure):
    """A prediction that benefits or harms a ticker."""

    prediction: Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")] = prop("The prediction.")
