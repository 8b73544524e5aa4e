"""Effects of predictions on tickers."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from api.mcp.asking import Asker, ToolRefusedError, tell
from api.mcp.fitting import Cutter, fit
from api.mcp.models import BoundedInput, BoundedOutput, OneOf, Part
from api.mcp.tool import Tool
from resolvers.base.enums import ExposureSign
from resolvers.base.roles import Role


class ExposuresInput(BoundedInput):
    """The tickers."""

    symbols: list[str] = Field(min_length=1, max_length=50, description="Symbols of the tickers, such as NVDA.")
    signs: list[Annotated[str, OneOf(ExposureSign)]] | None = Field(
        default=None, description="Only exposures of these signs; both if omitted."
    )
    first: int = Field(default=10, ge=1, le=100, description="Number of predictions for each ticker.")


class Exposure(Part):
    """A prediction that moves the ticker if it comes true."""

    prediction: str = Field(description="Key of the prediction.")
    title: str | None
    status: str
    deadline: str | None = None
    probability: float | None = Field(default=None, description="The belief now.")
    sign: str
    relevance: float | None = None
    impact: float | None = Field(default=None, description="Fractional change of the price.")
    lag_days: int | None = None
    basis: str | None = None


class ExposedTicker(Part):
    """A ticker with its exposures, most relevant first."""

    symbol: str
    name: str | None
    sector: str | None = None
    exposure_count: int
    exposures: list[Exposure]


class ExposuresOutput(BoundedOutput):
    """The tickers with what they are exposed to."""

    tickers: list[ExposedTicker]
    unknown_symbols: list[str] = Field(description="Symbols that no ticker has; `search` finds tickers by name.")


async def get_exposures(asker: Asker, asked: ExposuresInput) -> ExposuresOutput:
    """List what tickers are exposed to."""
    symbols = list(dict.fromkeys(asked.symbols))
    found = await asker.ask("exposures", symbols=symbols, number=len(symbols), signs=asked.signs, first=asked.first)
    tickers = {ticker["symbol"]: ticker for ticker in found["nodes"]}
    if not tickers:
        message = f"no ticker has the symbol {symbols[0][:80]!r}; `search` with subjects TICKER finds symbols by name"
        raise ToolRefusedError(tell("NOT_FOUND", message, ["symbols"]))
    return fit(lambda cutter: _shape(symbols, tickers, cutter), asked.max_tokens)


def _shape(symbols: list[str], tickers: Mapping[str, Any], cutter: Cutter) -> ExposuresOutput:
    return ExposuresOutput.model_validate(
        {
            "tickers": [_ticker(tickers[symbol], cutter) for symbol in symbols if symbol in tickers],
            "unknownSymbols": [symbol for symbol in symbols if symbol not in tickers],
        }
    )


def _ticker(ticker: Mapping[str, Any], cutter: Cutter) -> dict[str, Any]:
    exposures = ticker["exposures"]
    cutter.has_cut |= exposures["totalCount"] > len(exposures["nodes"])
    lines = [_exposure(exposure, cutter) for exposure in cutter.items(exposures["nodes"])]
    return {**ticker, "exposureCount": exposures["totalCount"], "exposures": lines}


def _exposure(exposure: Mapping[str, Any], cutter: Cutter) -> dict[str, Any]:
    prediction = exposure["prediction"]
    texts = {"title": cutter.text(prediction["title"]), "basis": cutter.text(exposure["basis"])}
    return {**exposure, **prediction, "prediction": prediction["key"], **texts}


GET_EXPOSURES = Tool(
    name="get_exposures",
    title="Exposures of tickers",
    description=(
        "List the predictions that tickers are exposed to, most relevant first, with sign, stated impact on the price "
        "and the belief now. For what a scenario does to prices, use what_if."
    ),
    input=ExposuresInput,
    output=ExposuresOutput,
    run=get_exposures,
    needs=Role.READER,
)
