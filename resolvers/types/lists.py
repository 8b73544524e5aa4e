"""Inputs of lists, which `graph.model.lists` declares, and lists within a node: filtered, sorted, from either end."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.model import values as scalars
from graph.model.lists import BY_NAME, ID, LISTS, MOST_VALUES, ClaimKind, Condition, Listed, SortKey
from graph.model.page_keys import bounds
from graph.model.relations import Relation
from graph.reading.links import LinkPage
from graph.reading.lists import MOST_COLLECTED, ListFilter, ListPage
from graph.reading.tree import cursor_text, source_id
from resolvers.base.answers import keywords, with_signature
from resolvers.base.context import Context, NestedPage
from resolvers.base.described import enum_type, input_type
from resolvers.base.drift import drifts
from resolvers.base.enums import SortOrder
from resolvers.base.keyed import check_range
from resolvers.base.relay import PAGE_ARGUMENTS, Connection, decode_cursor, parse_key, read_size
from resolvers.base.scalars import Day, Moment, Probability
from resolvers.base.selection import Follows, answer, follow_of

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction

_SCALARS: Final[Mapping[Any, Any]] = {
    scalars.Moment: Moment,
    scalars.Day: Day,
    scalars.Probability: Probability,
    ID: strawberry.ID,
}
_TEXT: Final = (
    "Words that must all occur in its title or other texts; the last may be incomplete. Case, accents and punctuation "
    "do not matter. For an order by relevance take `search`."
)

enum_type(ClaimKind)


def list_of(kind: Any) -> Any:
    """Return the annotation of a list of a type that is known at run time."""
    return list[kind]


def words_of(listed: Listed) -> str:
    """Return what a list is called in a sentence."""
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
            (list_of(inner) if takes_list else inner) | None,
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
        fields[condition.plural] = (list_of(inner) | None, definition)
    return fields


def _make_filter(listed: Listed) -> Any:
    """Make the input of a list's conditions."""
    fields: dict[str, tuple[Any, Any]] = {}
    for condition in listed.conditions:
        if not condition.is_own:
            fields |= _filter_fields(condition)
    if listed.is_searched:
        fields["text"] = (str | None, strawberry.field(default=strawberry.UNSET, description=_TEXT))
    return _made("FilterInput", listed, f"Conditions on {words_of(listed)}; all that are given must hold.", fields)


def _make_sort(listed: Listed) -> Any:
    """Make the input of one key of a list's order."""
    members = {
        sort.name.upper(): strawberry.enum_value(sort.name, description=sort.description) for sort in listed.sorts
    }
    keys: Any = Enum(f"{listed.noun}SortKey", members, module=__name__)  # type: ignore[misc]  # named at run time
    keys.__doc__ = f"Orders of {words_of(listed)}; ties are in the order of keys."
    enum_type(keys)
    order = strawberry.field(default=SortOrder.ASCENDING, description="Whether the lowest come first, or the highest.")
    by = strawberry.field(description="The order.")
    fields = {"by": (keys, by), "order": (SortOrder | None, order)}
    return _made("SortInput", listed, f"An order of {words_of(listed)}.", fields)


FILTERS: Final = {listed.name: _make_filter(listed) for listed in LISTS}
SORTS: Final = {listed.name: _make_sort(listed) for listed in LISTS}

SYMBOLS = Annotated[list[str] | None, strawberry.argument(description="Only tickers with these symbols.")]


def given(value: Any) -> Any:
    """A value that was given, None for one that was not."""
    return None if value is strawberry.UNSET else value


def make_page(
    listed: Listed,
    filter_: ListFilter,
    sort: Sequence[Any] | None,
    page: Mapping[str, Any],
    default: SortKey,
    *,
    is_descending: bool,
) -> ListPage:
    """
    Make a page of a list.

    Args:
        listed: The list.
        filter_: Its conditions.
        sort: The keys of its order; None for the default.
        page: `first`, `after`, `last` and `before`, None where not given.
        default: The order where none is given.
        is_descending: Whether that is a descending one.

    Raises:
        InvalidError: The order has several keys, or a size or a cursor is wrong.
    """
    first, last, after, before = (page.get(name) for name in ("first", "last", "after", "before"))
    size, is_from_end = read_size(first, last)
    if sort is not None and len(sort) != 1:
        message = f"expected one key, as no index serves an order by several, got {len(sort)}; ties are in key order"
        raise InvalidError(message, path="sort")
    return ListPage(
        listed,
        filter_,
        default if sort is None else listed.sort(sort[0].by.value),
        size=size,
        is_descending=is_descending if sort is None else sort[0].order is SortOrder.DESCENDING,
        after=None if after is None else decode_cursor(after, path="after"),
        before=None if before is None else decode_cursor(before, path="before"),
        is_from_end=is_from_end,
    )


def read_filter(listed: Listed, values: Any, *, path: str) -> ListFilter:
    """
    Read a list's conditions from an input, None for no conditions.

    Raises:
        InvalidError: A list of values is empty or too long, an id is of another kind, or a range ends before it begins.
    """
    if values is None:
        return ListFilter({})
    found: dict[str, Any] = {}
    for condition in (condition for condition in listed.conditions if not condition.is_own):
        value, name = given(getattr(values, condition.name)), condition.name
        if value is not None and condition.type is ID:
            value = [value]
        if condition.plural is not None and (several := given(getattr(values, condition.plural))) is not None:
            if value is not None:
                message = f"expected {condition.name} or {condition.plural}, got both"
                raise InvalidError(message, path=f"{path}.{condition.plural}")
            value, name = several, condition.plural
        if value is not None:
            found[condition.name] = read_value(condition, value, f"{path}.{name}")
    for name in found:
        if name.endswith("_from"):
            check_range(name, found, path)
    return ListFilter(listed.settled(found), given(values.text) if listed.is_searched else None)


def read_value(condition: Condition, value: Any, path: str) -> Any:
    """
    Read a condition's value from an input.

    Raises:
        InvalidError: A list of values is empty or too long, or an id is of another kind.
    """
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


def list_arguments(listed: Listed, default: str, *, of_links: bool = False) -> dict[str, Any]:
    """
    Return the arguments of a list, by name.

    Args:
        listed: The list.
        default: Its order if none is given, in words.
        of_links: Whether the list is of links to such nodes, at most 1,000 of which are sorted by the nodes.
    """
    sort_text = (
        f"Order of the list, by one key, since no index serves an order by several; {default} if omitted. An order by "
        "relevance is that of `search`."
    )
    if of_links:
        sort_text = (
            f"Order by the {words_of(listed)} at the other ends, by one key; {default} if omitted. At most "
            f"{MOST_COLLECTED:,} are sorted."
        )
    filter_text = f"Conditions on the {words_of(listed)}{' at the other ends' if of_links else ''}; all if omitted."
    some_filter, some_sorts = FILTERS[listed.name] | None, list_of(SORTS[listed.name]) | None
    return {
        "filter": Annotated[some_filter, strawberry.argument(description=filter_text)],
        "sort": Annotated[some_sorts, strawberry.argument(description=sort_text)],
        **PAGE_ARGUMENTS,
    }


def asks_for_list(arguments: Mapping[str, Any]) -> bool:
    """Whether the arguments of a list within a node ask for more than to follow a relation from its start."""
    return any(arguments.get(name) is not None for name in ("filter", "sort", "last", "before"))


def nested(
    follows: Follows,
    description: str,
    kind: Any,
    *,
    listed: str,
    condition: str,
    sort: str,
    is_descending: bool = False,
    more: Mapping[str, Any] | None = None,
    narrow: Callable[[dict[str, Any], Mapping[str, Any]], None] = lambda _values, _arguments: None,
) -> Any:
    """
    Make a field of the list of nodes that a relation leads to.

    From its start and in its own order the plan reads it; a page with conditions, in another order or from the end is
    one of the list of all such nodes, with the condition that they belong to this one.

    Args:
        follows: The relation.
        description: The field's description.
        kind: Its GraphQL type.
        listed: The list's name.
        condition: The list's condition that names the node.
        sort: The list's order that is the relation's.
        is_descending: Whether the relation's order is the descending one.
        more: Further arguments, by name.
        narrow: Adds conditions that follow from the further arguments.
    """
    found = BY_NAME[listed]
    own = found.sort(sort)
    order = f"{'descending' if is_descending else 'ascending'} by {sort.upper()}"

    def resolve(root: Any, info: Info[Context, Any], **arguments: Any) -> Any:
        asked = {name: given(arguments.get(name)) for name in names}
        if not asks_for_list(asked):
            return answer(root, info)
        filter_ = read_filter(found, asked["filter"], path="filter")
        values = dict(filter_.values)
        if condition in values:
            message = f"expected no {condition}, since the list is that of one, got {condition}"
            raise InvalidError(message, path=f"filter.{condition}")
        narrow(values, asked)
        source = source_id(root)
        of_source = ListFilter({**values, condition: [source]}, filter_.text)
        made = make_page(found, of_source, asked["sort"], asked, own, is_descending=is_descending)
        page = replace(made, owner=condition)
        if page.sort is own and page.is_descending is is_descending:
            start = "" if own.property == follows.relation.page_key else bounds(source)[0]
            page = replace(page, cursor_start=cursor_text(follows.relation.name, start))
        page.parameters()
        nested_page = NestedPage(page, root, follow_of(root, info), None, _place(info))
        return info.context.nested.load(nested_page)

    arguments = {**list_arguments(found, order), **(more or {})}
    names = tuple(arguments)
    of_all_resolvers = list(inspect.signature(resolve).parameters.values())[:2]
    signature = inspect.Signature([*of_all_resolvers, *keywords(arguments)], return_annotation=kind)
    return strawberry.field(
        resolver=with_signature(resolve, signature),
        description=description,
        metadata={"follows": replace(follows, is_left=asks_for_list)},
    )


def nested_links(
    follows: Follows,
    description: str,
    kind: Any,
    *,
    listed: str,
    order: str,
    more: Mapping[str, Any] | None = None,
) -> Any:
    """
    Make a field of the links that a relation leads by.

    From its start and in its own order the plan reads it; a page with conditions on the nodes at the other ends, in an
    order of these or from the end is read by itself.

    Args:
        follows: The relation.
        description: The field's description.
        kind: Its GraphQL type.
        listed: The name of the list that the nodes at the other ends are of.
        order: The relation's order, in words.
        more: Further arguments, by name.
    """
    found, relation = BY_NAME[listed], follows.relation

    def resolve(root: Any, info: Info[Context, Any], **arguments: Any) -> Any:
        asked = {name: given(arguments.get(name)) for name in names}
        if not asks_for_list(asked):
            return answer(root, info)
        filter_ = read_filter(found, asked["filter"], path="filter")
        like = make_page(found, filter_, asked["sort"], asked, found.sorts[0], is_descending=False)
        follow = follow_of(root, info)
        chosen = follow.arguments.get(str(relation.types_argument), relation.types)
        page = LinkPage(
            relation,
            tuple(name for name in relation.types if name in chosen),
            source_id(root),
            found,
            filter_,
            None if asked["sort"] is None else like.sort,
            like.size,
            like.is_descending,
            like.after,
            like.before,
            like.is_from_end,
        )
        page.parameters()
        return info.context.nested.load(NestedPage(page, root, follow, follows.wrap, _place(info)))

    arguments = {**list_arguments(found, order, of_links=True), **(more or {})}
    names = tuple(arguments)
    of_all_resolvers = list(inspect.signature(resolve).parameters.values())[:2]
    signature = inspect.Signature([*of_all_resolvers, *keywords(arguments)], return_annotation=kind)
    return strawberry.field(
        resolver=with_signature(resolve, signature),
        description=description,
        metadata={"follows": replace(follows, is_left=asks_for_list)},
    )


def _place(info: Info[Context, Any]) -> tuple[str, ...]:
    """Return the place of a field in the answer, without the indices of items."""
    return tuple(step for step in info.path.as_list() if isinstance(step, str))


def nested_predictions(relation: Relation, description: str, *, condition: str) -> Any:
    """Make a field of the predictions that belong to a node, by deadline; see `nested`."""
    kind = Connection[Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")]]
    return nested(Follows(relation), description, kind, listed="predictions", condition=condition, sort="deadline")
