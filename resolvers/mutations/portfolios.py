"""Mutations of stored portfolios."""

from typing import Annotated, Any, Unpack

import strawberry
from strawberry.types import Info

from graph.errors import FutureObservationError, NotFoundError, NotOwnedError, RefusedItemsError
from graph.exposure.positions import MOST_POSITIONS
from graph.exposure.store import Draft, delete_portfolio, save_portfolio
from graph.model.rows import Portfolio as PortfolioRow
from resolvers.base.context import Context
from resolvers.base.described import input_type, object_type
from resolvers.base.fields import prop
from resolvers.base.scalars import Moment
from resolvers.mutations.answers import WriteOptions, Written, Wrote, write
from resolvers.types.portfolio import Portfolio, PositionInput, holder_of, read_positions, shown_portfolio


@input_type
class SavePortfolioInput:
    """Positions of a portfolio to be stored."""

    name: str = strawberry.field(
        description="The portfolio's name: a letter or digit, and up to 63 of these and of . _ -, such as `growth`."
    )
    positions: list[PositionInput] = strawberry.field(
        description=f"All its positions, up to {MOST_POSITIONS}; weights of a ticker that is given several times add "
        "up. The graph need not have the tickers."
    )
    held_at: Moment | None = strawberry.field(
        default=None, description="Since when they are held, in the past; now if omitted."
    )
    note: str | None = strawberry.field(default=None, description="Remarks.")


@input_type
class DeletePortfolioInput:
    """A stored portfolio to be deleted."""

    name: str = strawberry.field(description="The portfolio's name, exactly.")


@object_type
class PortfolioSaved(Written):
    """Result of storing a portfolio; in a dry run, the result that it would have."""

    portfolio: Portfolio = prop("The row with these positions.")
    created: bool = prop("Whether there was no portfolio of this name.")
    changed: bool = prop("Whether a row was written; false if the positions were recorded already.")
    duplicates: list[str] = prop(
        "Symbols that were given several times; their weights were added up.", name="duplicateSymbols"
    )
    unknown: list[str] = prop("Symbols that the graph has no ticker of.", name="unknownSymbols")


@object_type
class PortfolioDeleted(Written):
    """Result of deleting a stored portfolio."""

    portfolio: Portfolio = prop("The portfolio as it was.")


@object_type
class PortfolioMutations:
    """Mutations of stored portfolios."""

    @write(
        PortfolioSaved,
        refused_by=(NotOwnedError, FutureObservationError, RefusedItemsError),
        answer="The portfolio after the write, or the reason for the refusal.",
    )
    async def save_portfolio(
        self,
        info: Info[Context, Any],
        input: Annotated[SavePortfolioInput, strawberry.argument(description="The positions.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Store positions under a name, since a moment. Nothing is overwritten: earlier positions stay as they were held,
        and as they were recorded. The caller who stores a name first owns it; nobody else but an operator has access.
        """
        context = info.context
        draft = Draft(input.name, read_positions(input.positions), input.held_at, input.note)
        answered = await save_portfolio(context.database, draft, holder_of(context), **options)
        shown = {name: answered.payload[name] for name in ("duplicates", "unknown")}
        row = PortfolioRow.model_validate(answered.payload["portfolio"])
        return answered, {
            **shown,
            "portfolio": shown_portfolio(row),
            "created": answered.payload["new"],
            "changed": answered.payload["changed"],
        }

    @write(
        PortfolioDeleted,
        refused_by=(NotFoundError, NotOwnedError),
        answer="The portfolio as it was, or the reason for the refusal.",
    )
    async def delete_portfolio(
        self,
        info: Info[Context, Any],
        input: Annotated[DeletePortfolioInput, strawberry.argument(description="The portfolio's name.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Delete a stored portfolio. Its rows stay, and `savePortfolio` under its name goes on from them."""
        context = info.context
        answered = await delete_portfolio(context.database, input.name, holder_of(context), **options)
        return answered, {"portfolio": shown_portfolio(PortfolioRow.model_validate(answered.payload["portfolio"]))}
