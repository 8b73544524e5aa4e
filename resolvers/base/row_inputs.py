"""Derives GraphQL inputs from the rows of the graph: names, types and descriptions."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

import strawberry

from graph.model.subjects import EdgeList, NodeList, Reference, noun_of, references_of
from resolvers.base.described import input_type
from resolvers.base.input_names import Names, input_name
from resolvers.base.names import names_of
from resolvers.base.row_types import shown_types, summarized_by

ClassT = TypeVar("ClassT", bound=type)
RowList = NodeList | EdgeList

KEY_OR_GLOBAL_ID = "Takes a key or a global id."
NEEDED_WHEN_NEW = "Required for a new one."


def row_input(
    listed: RowList, *, without: Collection[str] = (), only: Collection[str] = (), is_new: bool = False
) -> Callable[[ClassT], ClassT]:
    """
    Decorates the class of an input: it gets each property of a row as a field.

    The properties that identify the row are required; all others may be left out, and are then UNSET. A class without a
    docstring takes the row's.

    Args:
        listed: The list that the row belongs to.
        without: Properties that clients do not set.
        only: Properties that clients set; all if empty.
        is_new: Whether the row is always a new one, so that every required property is required here.
    """

    def decorate(kind: ClassT) -> ClassT:
        types, references = shown_types(listed.row), reference_fields(listed)
        named = {reference.property: name for name, reference in references.items()}
        ids = {*named, *(listed.key if isinstance(listed, NodeList) else ())}
        for name, declared in listed.row.model_fields.items():
            if name in without or (only and name not in only):
                continue
            field_type: Any = strawberry.ID if name in ids else types[name]
            is_required = declared.is_required() if is_new else name in listed.key
            notes = [
                declared.description or "",
                KEY_OR_GLOBAL_ID if name in ids else "",
                NEEDED_WHEN_NEW if declared.is_required() and not is_required else "",
            ]
            kind.__annotations__[named.get(name, name)] = field_type if is_required else field_type | None
            default = {} if is_required else {"default": strawberry.UNSET}
            shown = names_of(listed.row).get(name)
            described = strawberry.field(description=" ".join(filter(None, notes)), name=shown, **default)
            setattr(kind, named.get(name, name), described)
        return input_type(summarized_by(listed.row)(kind))

    return decorate


def reference_fields(listed: RowList) -> dict[str, Reference]:
    """
    The references of a list's rows by their fields in inputs and results.

    A field is named as the property without `_id`, or after its target: `ticker` for an exposure's `symbol`.
    """
    return {
        reference.property.removesuffix("_id")
        if reference.property.endswith("_id")
        else noun_of(reference.target).replace(" ", "_"): reference
        for reference in references_of(listed)
    }


def row_names(listed: RowList) -> Names:
    """The names in GraphQL's inputs, by property, that the row itself decides: of its references, and a few more."""
    references = {reference.property: input_name(name) for name, reference in reference_fields(listed).items()}
    return {**references, **names_of(listed.row)}
