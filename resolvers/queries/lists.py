"""The queries of lists, which `graph.model.lists` declares: pages, and numbers of claims by facet."""

import inspect
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.model.kinds import ClaimStatus as Status
from graph.model.lists import BY_NAME, LISTS, Listed
from graph.model.subjects import CLAIM
from graph.reading.lists import MOST_FACETED, Facets, ListFilter, ListPage, count_facets
from resolvers.base.anchored import anchored
from resolvers.base.answers import keywords, with_signature
from resolvers.base.context import Context
from resolvers.base.described import object_type
from resolvers.base.drift import drifts
from resolvers.base.enums import ClaimStatus
from resolvers.base.extents import Extent, extent
from resolvers.base.extents import page as page_extent
from resolvers.base.fields import prop
from resolvers.base.ranked import put_nodes
from resolvers.base.relay import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Connection, page_size
from resolvers.base.selection import selected_plan
from resolvers.types.claims import Claim
from resolvers.types.domains import Domain
from resolvers.types.lists import (
    FILTERS,
    SYMBOLS,
    given,
    list_arguments,
    make_page,
    read_filter,
    read_value,
    words_of,
)
from resolvers.types.predictors import Predictor
from resolvers.types.subjects import SUBJECT_TYPES

ClassT = TypeVar("ClassT", bound=type)


def lists(kind: ClassT) -> ClassT:
    """Adds the query of each list to a class."""
    for listed in LISTS:
        setattr(kind, listed.name, _list_query(listed))
    return object_type(kind)


def _list_query(listed: Listed) -> Any:
    def list_page(filter: Any = None, sort: Any = None, symbols: Any = None, **page: Any) -> ListPage:
        found = read_filter(listed, given(filter), path="filter")
        if given(symbols) is not None:
            condition = listed.condition("symbols")
            found = ListFilter({**found.values, "symbols": read_value(condition, symbols, "symbols")}, found.text)
        given_page = {name: given(value) for name, value in page.items()}
        return make_page(listed, found, given(sort), given_page, listed.sorts[0], is_descending=listed.is_descending)

    default = f"{'descending' if listed.is_descending else 'ascending'} by {listed.sorts[0].name.upper()}"
    arguments = list_arguments(listed, default)
    if listed.name == "tickers":
        arguments["symbols"] = SYMBOLS
    list_page.__doc__ = f"{words_of(listed).capitalize()}, filtered and sorted, in pages from either end."
    vars(list_page)["__signature__"] = inspect.Signature(keywords(arguments), return_annotation=ListPage)
    connection: Any = Connection
    return anchored(list_page, connection[Claim if listed.label == CLAIM else SUBJECT_TYPES[listed.label]])


def _due_for_resolution(filter: Any = None, sort: Any = None, **page: Any) -> ListPage:
    """Open claims whose deadline has passed: their outcomes are to be recorded."""
    listed, found = BY_NAME["claims"], read_filter(BY_NAME["claims"], given(filter), path="filter")
    for name in ("status", "is_past_deadline"):
        if name in found.values:
            message = f"expected no {name}, since all are open and past their deadlines, got {found.values[name]}"
            raise InvalidError(message, path=f"filter.{name}")
    now = datetime.now(UTC)
    values = {"status": [Status.OPEN.value], "deadline_to": min(now, found.values.get("deadline_to", now))}
    due = ListFilter({**found.values, **values}, found.text)
    given_page = {name: given(value) for name, value in page.items()}
    return make_page(listed, due, given(sort), given_page, listed.sort("deadline"), is_descending=False)


def _due_query() -> Any:
    arguments = list_arguments(BY_NAME["claims"], "ascending by DEADLINE")
    signature = inspect.Signature(keywords(arguments), return_annotation=ListPage)
    vars(_due_for_resolution)["__signature__"] = signature
    return anchored(_due_for_resolution, Connection[Claim], **drifts())


@object_type
class StatusCount:
    """Number of claims of a status."""

    status: ClaimStatus = prop("The status that these claims have.")
    claim_count: int = prop("Number of claims.")


@object_type
class DomainCount:
    """Number of claims of a domain."""

    domain: Domain | None = prop("The domain; null for claims without one.")
    claim_count: int = prop("Number of claims.")


@object_type
class PredictorCount:
    """Number of claims of a predictor."""

    predictor: Predictor | None = prop("The predictor; null for claims without one.")
    claim_count: int = prop("Number of claims.")


@object_type
class ClaimFacets:
    """Numbers of the claims that satisfy a filter."""

    total_count: int = prop("Number of all.")
    statuses: list[StatusCount] = prop("By status, the largest number first.")
    domains: list[DomainCount] = prop("By domain, the largest numbers first.")
    predictors: list[PredictorCount] = prop("By predictor, the largest numbers first.")


_COUNTED_AS_ROWS: Final = 1_000
"""Rows that counting is priced as: it reads much, but shows little of it."""


def _facets_extent(arguments: Any) -> Extent:
    found = page_extent(arguments)
    return Extent(items=found.items, rows=2 * found.items + _COUNTED_AS_ROWS)


def _facets(listed: Listed) -> Any:
    async def count(
        self: Any, info: Info[Context, Any], filter: Any = None, first: Any = DEFAULT_PAGE_SIZE
    ) -> dict[str, Any]:
        found = await count_facets(info.context.unit, listed, read_filter(listed, given(filter), path="filter"))
        return await _show_facets(info, found, page_size(first))

    filter_text = f"Conditions on the {words_of(listed)}; all of them if omitted."
    size_text = f"Number of domains and predictors to return, 1 to {MAX_PAGE_SIZE}."
    arguments = {
        "filter": (
            Annotated[FILTERS[listed.name] | None, strawberry.argument(description=filter_text)],
            strawberry.UNSET,
        ),
        "first": (Annotated[int | None, strawberry.argument(description=size_text)], DEFAULT_PAGE_SIZE),
    }
    own = list(inspect.signature(count).parameters.values())[:2]
    parameters = [
        *own,
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in arguments.items()
        ),
    ]
    return strawberry.field(
        resolver=with_signature(count, inspect.Signature(parameters, return_annotation=ClaimFacets)),
        description=f"Numbers of {words_of(listed)} by status, domain and predictor, for at most {MOST_FACETED:,}.",
        metadata=extent(_facets_extent),
    )


async def _show_facets(info: Info[Context, Any], found: Facets, first: int) -> dict[str, Any]:
    facets: dict[str, Any] = {"total_count": found.total}
    facets["statuses"] = [{"status": value, "claim_count": num} for value, num in found.by["status"]]
    for name, subject in (("domain", "Domain"), ("predictor", "Predictor")):
        rows = [{f"{name}_id": value, name: None, "claim_count": num} for value, num in found.by[f"{name}_id"][:first]]
        await put_nodes(info, rows, name, subject, selected_plan(info, f"{name}s", name))
        facets[f"{name}s"] = rows
    return facets


@lists
class ListQueries:
    """The queries of lists."""

    prediction_facets: ClaimFacets = _facets(BY_NAME["predictions"])
    claim_facets: ClaimFacets = _facets(BY_NAME["claims"])
    due_for_resolution: Connection[Claim] = _due_query()
