"""The queries of lists, which `graph.model.lists` declares: inputs, pages, and numbers of claims by facet."""

import inspect
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Final, TypeVar

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.model import values
from graph.model.lists import BY_NAME, ID, LISTS, MOST_VALUES, ClaimKind, Condition, Listed
from graph.model.subjects import CLAIM
from graph.reading.lists import MOST_FACETED, Facets, ListFilter, ListPage, count_facets
from resolvers.base.anchored import anchored
from resolvers.base.answers import with_signature
from resolvers.base.context import Context
from resolvers.base.described import enum_type, input_type, object_type
from resolvers.base.drift import drifts
from resolvers.base.enums import ClaimStatus, SortOrder
from resolvers.base.extents import Extent, extent
from resolvers.base.extents import page as page_extent
from resolvers.base.fields import prop
from resolvers.base.ranked import put_nodes
from resolvers.base.relay import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    After,
    Connection,
    decode_cursor,
    page_size,
    parse_key,
)
from resolvers.base.scalars import Day, Moment, Probability
from resolvers.base.selection import selected_plan
from resolvers.types.claims import Claim
from resolvers.types.domains import Domain
from resolvers.types.predictors import Predictor
from resolvers.types.subjects import SUBJECT_TYPES

ClassT = TypeVar("ClassT", bound=type)

_SCALARS: Final[Mapping[Any, Any]] = {
    values.Moment: Moment,
    values.Day: Day,
    values.Probability: Probability,
    ID: strawberry.ID,
}
_TEXT: Final = (
    "Words that must all occur in its title or other texts; the last may be incomplete. Case, accents and punctuation "
    "do not matter. For an order by relevance take `search`."
)

enum_type(ClaimKind)


def _list_of(kind: Any) -> Any:
    return list[kind]


def _words(listed: Listed) -> str:
    return listed.name.replace("_", " ")


def _made(kind: str, listed: Listed, description: str, fields: Mapping[str, tuple[Any, Any]]) -> type:
    """Make an input's class, from the type and the definition of each field."""
    body = {name: definition for name, (_, definition) in fields.items()}
    annotations = {name: given for name, (given, _) in fields.items()}
    own = {"__annotations__": annotations, "__doc__": description, "__module__": __name__, **body}
    return input_type(type(f"{listed.noun}{kind}", (), own))


def _filter_fields(condition: Condition) -> dict[str, tuple[Any, Any]]:
    """Make the fields of a condition: of an id, since a variable for one id is no list, one for several beside it."""
    inner = _SCALARS.get(condition.type, condition.type)
    takes_list = condition.is_many and condition.type is not ID
    fields = {
        condition.name: (
            (_list_of(inner) if takes_list else inner) | None,
            strawberry.field(
                default=strawberry.UNSET,
                description=condition.description,
                metadata=drifts() if condition.drifts else {},
            ),
        )
    }
    if condition.plural is not None:
        several = f"Any of these, each as `{condition.name}`; give one or the other."
        definition = strawberry.field(default=strawberry.UNSET, description=several)
        fields[condition.plural] = (_list_of(inner) | None, definition)
    return fields


def _make_filter(listed: Listed) -> Any:
    """Make the input of a list's conditions."""
    fields: dict[str, tuple[Any, Any]] = {}
    for condition in listed.conditions:
        fields |= _filter_fields(condition)
    if listed.is_searched:
        fields["text"] = (str | None, strawberry.field(default=strawberry.UNSET, description=_TEXT))
    return _made("FilterInput", listed, f"Conditions on {_words(listed)}; all that are given must hold.", fields)


def _make_sort(listed: Listed) -> Any:
    """Make the input of one key of a list's order."""
    members = {
        sort.name.upper(): strawberry.enum_value(sort.name, description=sort.description) for sort in listed.sorts
    }
    keys: Any = Enum(f"{listed.noun}SortKey", members, module=__name__)  # type: ignore[misc]  # named at run time
    keys.__doc__ = f"Orders of {_words(listed)}; ties are in the order of keys."
    enum_type(keys)
    order = strawberry.field(default=SortOrder.ASCENDING, description="Whether the lowest come first, or the highest.")
    by = strawberry.field(description="The order.")
    fields = {"by": (keys, by), "order": (SortOrder | None, order)}
    return _made("SortInput", listed, f"An order of {_words(listed)}.", fields)


FILTERS: Final = {listed.name: _make_filter(listed) for listed in LISTS}
SORTS: Final = {listed.name: _make_sort(listed) for listed in LISTS}

_First = Annotated[
    int | None,
    strawberry.argument(
        description=f"Number of items to return, counted from the start, 1 to {MAX_PAGE_SIZE}; 20 if `last` is omitted "
        "too."
    ),
]
_Last = Annotated[
    int | None,
    strawberry.argument(description=f"Number of items to return, counted from the end, 1 to {MAX_PAGE_SIZE}."),
]
_Before = Annotated[str | None, strawberry.argument(description="Return items before this cursor.")]
_Symbols = Annotated[list[str] | None, strawberry.argument(description="Only tickers with these symbols.")]


def lists(kind: ClassT) -> ClassT:
    """Adds the query of each list to a class."""
    for listed in LISTS:
        setattr(kind, listed.name, _list_query(listed))
    return object_type(kind)


def _list_query(listed: Listed) -> Any:
    def list_page(filter: Any = None, sort: Any = None, symbols: Any = None, **page: Any) -> ListPage:
        found = read_filter(listed, _given(filter), path="filter")
        if _given(symbols) is not None:
            condition = listed.condition("symbols")
            found = ListFilter({**found.values, "symbols": _read_value(condition, symbols, "symbols")}, found.text)
        return make_page(listed, found, _given(sort), {name: _given(value) for name, value in page.items()})

    default = listed.sorts[0]
    order = "descending" if listed.is_descending else "ascending"
    sort_text = f"Order of the list, by one key; {order} by {default.name.upper()} if omitted."
    filter_text = f"Conditions on the {_words(listed)}; all of them if omitted."
    some_filter, some_sorts = FILTERS[listed.name] | None, _list_of(SORTS[listed.name]) | None
    arguments: dict[str, Any] = {
        "filter": Annotated[some_filter, strawberry.argument(description=filter_text)],
        "sort": Annotated[some_sorts, strawberry.argument(description=sort_text)],
        "first": _First,
        "after": After,
        "last": _Last,
        "before": _Before,
    }
    if listed.name == "tickers":
        arguments["symbols"] = _Symbols
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=strawberry.UNSET, annotation=annotation)
        for name, annotation in arguments.items()
    ]
    list_page.__doc__ = f"{_words(listed).capitalize()}, filtered and sorted, in pages from either end."
    vars(list_page)["__signature__"] = inspect.Signature(parameters, return_annotation=ListPage)
    connection: Any = Connection
    return anchored(list_page, connection[Claim if listed.label == CLAIM else SUBJECT_TYPES[listed.label]])


def _given(value: Any) -> Any:
    """A value that was given, None for one that was not."""
    return None if value is strawberry.UNSET else value


def make_page(listed: Listed, filter_: ListFilter, sort: Sequence[Any] | None, page: Mapping[str, Any]) -> ListPage:
    """
    Make a page of a list.

    Args:
        listed: The list.
        filter_: Its conditions.
        sort: The keys of its order; None for the default.
        page: `first`, `after`, `last` and `before`, None where not given.

    Raises:
        InvalidError: The order has several keys, or a size or a cursor is wrong.
    """
    first, last, after, before = (page.get(name) for name in ("first", "last", "after", "before"))
    if first is not None and last is not None:
        message = f"expected either first or last, got both ({first} and {last})"
        raise InvalidError(message, path="last")
    if sort is not None and len(sort) != 1:
        message = f"expected one key, as no index serves an order by several, got {len(sort)}; ties are in key order"
        raise InvalidError(message, path="sort")
    return ListPage(
        listed,
        filter_,
        listed.sorts[0] if sort is None else listed.sort(sort[0].by.value),
        size=page_size(first) if last is None else page_size(last, path="last"),
        is_descending=listed.is_descending if sort is None else sort[0].order is SortOrder.DESCENDING,
        after=None if after is None else decode_cursor(after, path="after"),
        before=None if before is None else decode_cursor(before, path="before"),
        is_from_end=last is not None,
    )


def read_filter(listed: Listed, given: Any, *, path: str) -> ListFilter:
    """
    Read a list's conditions from an input.

    Raises:
        InvalidError: A list of values is empty or too long, an id is of another kind, or a range ends before it begins.
    """
    if given is None:
        return ListFilter({})
    found: dict[str, Any] = {}
    for condition in listed.conditions:
        value, name = _given(getattr(given, condition.name)), condition.name
        if value is not None and condition.type is ID:
            value = [value]
        if condition.plural is not None and (several := _given(getattr(given, condition.plural))) is not None:
            if value is not None:
                message = f"expected {condition.name} or {condition.plural}, got both"
                raise InvalidError(message, path=f"{path}.{condition.plural}")
            value, name = several, condition.plural
        if value is not None:
            found[condition.name] = _read_value(condition, value, f"{path}.{name}")
    for name, low in found.items():
        high = found.get(f"{name.removesuffix('_from')}_to") if name.endswith("_from") else None
        if high is not None and low > high:
            message = f"expected a value not above {name.removesuffix('_from')}_to, which is {high}, got {low}"
            raise InvalidError(message, path=f"{path}.{name}")
    return ListFilter(found, _given(given.text) if listed.is_searched else None)


def _read_value(condition: Condition, value: Any, path: str) -> Any:
    if not condition.is_many:
        return value
    if not 1 <= len(value) <= MOST_VALUES:
        message = f"expected 1 to {MOST_VALUES} values, got {len(value) or 'an empty list'}"
        raise InvalidError(message, path=path)
    if condition.type is ID:
        found = [parse_key(text, *condition.subjects, path=path) for text in value]
    else:
        found = [item.value if isinstance(item, Enum) else item for item in value]
    return list(dict.fromkeys(found))


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
        found = await count_facets(info.context.unit, listed, read_filter(listed, _given(filter), path="filter"))
        return await _show_facets(info, found, page_size(first))

    filter_text = f"Conditions on the {_words(listed)}; all of them if omitted."
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
        description=f"Numbers of {_words(listed)} by status, domain and predictor, for at most {MOST_FACETED:,}.",
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
