"""Items of evidence as JSON values, by the rules of the mutation's input, and their answers."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

import strawberry
from graphql import GraphQLError, GraphQLInputField, GraphQLInputObjectType, is_required_input_field
from graphql.utilities import coerce_input_value, validate_input_value
from strawberry.types import get_object_definition

from graph.database.receipts import Payload
from graph.errors import InvalidError, RefusedError
from graph.ledger.items import EvidenceItem
from graph.ledger.refusal_payloads import read_refusal
from graph.model.shown import shown_value
from resolvers.base.defaults import settle_defaults
from resolvers.base.enums import EvidenceDirection, EvidenceItemStatus, EvidenceStrength
from resolvers.base.errors import plain_value, shortened
from resolvers.base.figures import figures
from resolvers.base.input_names import input_name
from resolvers.base.names import named
from resolvers.base.refusals import refused
from resolvers.base.scalars import SCALARS
from resolvers.mutations.intake import NAMES, EvidenceInput, read_item, status_of

KEY: Final = "idempotencyKey"
_STRENGTHS: Final = frozenset({"strength", "likelihoodRatio"})
# Stand in for what is missing or wrong in an item that is refused anyway, so that the rest of it can be read.
_PLACEHOLDERS: Final = {"claim": "", "direction": EvidenceDirection.FOR}


@strawberry.type
class _Root:
    is_there: bool


@cache
def _schema() -> strawberry.Schema:
    schema = strawberry.Schema(_Root, types=[EvidenceInput], config=named(scalar_map=SCALARS))
    settle_defaults(schema._schema)
    return schema


def _input() -> GraphQLInputObjectType:
    found: GraphQLInputObjectType = _schema()._schema.type_map["EvidenceInput"]  # type: ignore[assignment]  # any named type
    return found


@cache
def _names() -> Mapping[str, str]:
    """The Python names of the fields; all are values that need no conversion."""
    convert = _schema().config.name_converter.from_field
    return {convert(field): field.python_name for field in get_object_definition(EvidenceInput, strict=True).fields}


def list_fields() -> tuple[str, ...]:
    """The names of the fields that an item may have."""
    return tuple(_input().fields)


def type_of(name: str) -> str:
    """The name of a field's type, such as Float."""
    return str(_input().fields[name].type).rstrip("!")


def read_line(value: object, path: str) -> EvidenceItem:
    """
    Read an item; what is wrong with it is among its faults.

    Args:
        value: The item, an object whose fields are those of `EvidenceInput`.
        path: Its path in the request.
    """
    if not isinstance(value, dict):
        message = f"expected an object with the fields of an item, got {shown_value(value)}"
        no_item = InvalidError(message, path=path)
        return replace(_make({}, path, [no_item]), faults=(no_item,))
    fields = _input().fields
    faults: list[RefusedError] = [_unknown(name, path) for name in value if name not in fields]
    given: dict[str, Any] = {}
    for name, field in fields.items():
        fault = _check_field(name, field, value, path)
        if fault is not None:
            faults.append(fault)
        elif name in value:
            given[name] = coerce_input_value(value[name], field.type)
    return _make(given, path, faults)


def _make(given: dict[str, Any], path: str, faults: list[RefusedError]) -> EvidenceItem:
    """The item of the fields that are right, with one fault of each field that is not."""
    is_strength_wrong = any(fault.path == f"{path}.{name}" for fault in faults for name in _STRENGTHS)
    if is_strength_wrong or not given:
        given = {name: value for name, value in given.items() if name not in _STRENGTHS}
        given["strength"] = EvidenceStrength.WEAK
    names = _names()
    converted = EvidenceInput(**{names[name]: value for name, value in (_PLACEHOLDERS | given).items()})
    item = read_item(converted, path, faults)
    return replace(item, faults=tuple({fault.path: fault for fault in reversed(item.faults)}.values())[::-1])


def _check_field(name: str, field: GraphQLInputField, value: Mapping[str, Any], path: str) -> InvalidError | None:
    """Find what is wrong with a field's value, in its first place."""
    if name not in value:
        if not is_required_input_field(field):
            return None
        return InvalidError("expected a value, got nothing", path=f"{path}.{name}")
    found: list[GraphQLError] = []
    validate_input_value(value[name], field.type, lambda error, _path: found.append(error))
    if not found:
        return None
    original = found[0].original_error  # what a scalar of ours says by itself
    return InvalidError(shortened(found[0].message) if original is None else str(original), path=f"{path}.{name}")


def _unknown(name: str, path: str) -> InvalidError:
    close = get_close_matches(name, list_fields(), n=1)
    advice = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(list_fields())}"
    place = f"{path}.{name}" if name.isidentifier() else path
    return InvalidError(f"there is no field {name[:80]!r}{advice}", path=place)


def show_line(index: int, key: str | None, payload: Payload, bookmark: str | None) -> dict[str, Any]:
    """
    The answer to an item, as JSON values.

    Args:
        index: The item's place in the request.
        key: Its idempotency key.
        payload: Its part of the graph's answer.
        bookmark: Token for the state of the graph after the write; None in a dry run, of which no row is kept.
    """
    status = status_of(payload)
    shown = {"index": index, KEY: key, "status": status.value}
    if status is EvidenceItemStatus.REFUSED:
        return shown | {"errors": [show_refusal(read_refusal(refusal)) for refusal in payload["refusals"]]}
    step = payload["step"]
    result = {
        "evidence": None if bookmark is None else payload["evidence_id"],
        "claim": payload["claim_id"],
        "kappa": step["kappa"],
        "logLikelihoodRatio": step["total_llr"],
        "adjustedLogLikelihoodRatio": step["total_adjusted_llr"],
        "probabilityBefore": payload["before"]["probability"],
        "probabilityAfter": payload["after"]["probability"],
    }
    return shown | {"result": figures(result), "bookmark": bookmark}


def show_refusal(refusal: RefusedError) -> dict[str, Any]:
    """List what is wrong with an item, as JSON values; the path begins within the item."""
    fields = refused(refusal, NAMES)
    within = (fields.pop("path") or [])[2:]  # after `items` and the place
    del fields["__typename"]
    return {"path": within} | {input_name(name): plain_value(value) for name, value in fields.items()}
