"""Effects of supposed outcomes."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from api.mcp.asking import Asker
from api.mcp.fitting import Cutter, fit
from api.mcp.models import BoundedInput, BoundedOutput, Input, Key, OneOf, Part
from api.mcp.tool import Tool
from resolvers.base.enums import ClaimOutcome, InferenceMethod
from resolvers.base.roles import Role


class Supposed(Input):
    """A supposed outcome."""

    claim: Key = Field(description="Key of the claim.")
    outcome: Annotated[str, OneOf(ClaimOutcome)] = Field(description="Whether it comes true.")


class WhatIfInput(BoundedInput):
    """The supposed outcomes."""

    observations: list[Supposed] = Field(min_length=1, max_length=50)
    intervene: bool = Field(
        default=False,
        description="Whether the outcomes are brought about, not observed, so that they say nothing of causes.",
    )
    method: Annotated[str, OneOf(InferenceMethod)] = Field(
        default="AUTO", description="AUTO takes the best that fits; EXACT is refused where the network is too large."
    )
    first: int = Field(default=15, ge=1, le=100, description="Number of claims and of tickers, largest shifts first.")


class Shift(Part):
    """The shift of a claim."""

    key: str
    title: str | None
    probability_before: float
    probability_after: float
    delta: float | None = None
    standard_error: float | None = None


class TickerShift(Part):
    """The shift of a ticker's expected price."""

    symbol: str
    name: str | None
    delta: float = Field(description="Fractional change; 0.1 is a rise of 10 %.")
    standard_error: float | None = None
    claim_count: int = Field(description="Number of shifted claims with a stated impact on it.")


class Trust(Part):
    """Method by which the answer was computed, and its errors."""

    method: str
    is_converged: bool
    is_precise: bool
    reason: str | None = Field(default=None, description="Why the method did not converge.")
    standard_error: float | None = Field(default=None, description="Largest of any claim.")
    calibration_error: float | None = Field(default=None, description="Largest error by the model's own intercepts.")
    error_estimate: float | None = Field(default=None, description="Largest error by LBP.")
    revision: str
    as_of: str


class WhatIfOutput(BoundedOutput):
    """The effects on other claims and on tickers, largest first."""

    supposed: list[Shift]
    implied: list[Shift] = Field(description="Claims whose outcomes follow from the supposed ones.")
    shift_count: int
    shifts: list[Shift] = Field(description="Claims that shift by more than noise.")
    ticker_count: int
    tickers: list[TickerShift]
    diagnostics: Trust


async def ask_what_if(asker: Asker, asked: WhatIfInput) -> WhatIfOutput:
    """Compute the effects."""
    variables = asked.variables()
    variables.pop("maxTokens")
    result = await asker.ask("what_if", **variables)
    return fit(lambda cutter: _shape(result, cutter), asked.max_tokens)


def _shape(result: Mapping[str, Any], cutter: Cutter) -> WhatIfOutput:
    shifts, tickers = result["shifts"], result["tickers"]
    return WhatIfOutput.model_validate(
        {
            "supposed": [_shift(shift, cutter) for shift in result["supposed"]],
            "implied": [_shift(shift, cutter) for shift in result["implied"]],
            "shiftCount": shifts["totalCount"],
            "shifts": [_shift(shift, cutter) for shift in cutter.items(shifts["nodes"])],
            "tickerCount": tickers["totalCount"],
            "tickers": [{**found, **found["ticker"]} for found in cutter.items(tickers["nodes"])],
            "diagnostics": result["diagnostics"],
        }
    )


def _shift(shift: Mapping[str, Any], cutter: Cutter) -> dict[str, Any]:
    return {**shift, "key": shift["claim"]["key"], "title": cutter.text(shift["claim"]["title"])}


WHAT_IF = Tool(
    name="what_if",
    title="What if",
    description=(
        "Compute how all other claims, and the expected prices of tickers, would shift if some claims came true or "
        "did not. Nothing is stored. `diagnostics` tells how far the numbers can be trusted."
    ),
    input=WhatIfInput,
    output=WhatIfOutput,
    run=ask_what_if,
    needs=Role.READER,
)
