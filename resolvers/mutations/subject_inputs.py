"""Inputs of single rows, and the changes of the graph that they ask for."""

from dataclasses import fields
from typing import Any

import strawberry

from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, ROW_LISTS, NodeList
from graph.subjects.upserts import Change
from resolvers.base.described import input_type
from resolvers.base.enums import Subject
from resolvers.base.relay import parse_key, parse_some_key
from resolvers.base.row_inputs import reference_fields, row_input


def change_of(given: Any, name: str, *, path: str = "input") -> Change:
    """
    The values of an input by property.

    Args:
        given: The input.
        name: The bundle's list that its row belongs to.
        path: Path of the input, for error messages.
    Raises:
        InvalidError: An id in the input is malformed, or is of another subject.
    """
    listed = ROW_LISTS[name]
    references = reference_fields(listed)
    own_keys = dict.fromkeys(listed.key, listed.label) if isinstance(listed, NodeList) else {}
    values: dict[str, Any] = {}
    for field in fields(given):
        value, place = getattr(given, field.name), f"{path}.{field.name}"
        if value is strawberry.UNSET:
            continue
        if field.name in own_keys:
            values[field.name] = parse_key(value, own_keys[field.name], path=place)
        elif field.name in references:
            target = references[field.name].target
            subjects = CLAIM_SUBJECTS if target == CLAIM else (target,)
            values[references[field.name].property] = parse_some_key(value, *subjects, path=place)
        else:
            values[field.name] = value
    return Change(name, values, path)


@input_type
class DeleteSubjectInput:
    """A node to delete."""

    id: strawberry.ID = strawberry.field(description="Global id of the node, or its key if `subject` is given.")
    subject: Subject | None = strawberry.field(default=None, description="Kind of node.")


@row_input(ROW_LISTS["validations"], without=("id",), is_new=True)
class ValidationInput:
    pass


@row_input(ROW_LISTS["document_links"])
class DocumentLinkInput:
    pass


@row_input(ROW_LISTS["influences"], only=ROW_LISTS["influences"].key)
class InfluenceEndsInput:
    """An influence, identified by its kind and both ends."""


@row_input(ROW_LISTS["exposures"], only=ROW_LISTS["exposures"].key)
class ExposureEndsInput:
    """An exposure, identified by its sign and both ends."""
