"""Checks and prices documents that are not run."""

from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, GraphQLError, parse, validate
from strawberry import Schema

from api.counts import find_excess
from api.documents import identify
from api.limits import MAX_BRACKETS, MAX_CHARACTERS, Limits, count_brackets, list_excesses, list_excessive_prices
from api.pricing import Price, Pricing, list_operations
from resolvers.base.tariffs import Estimate, OperationPrice


def estimate(schema: Schema, limits: Limits, text: str, variables: Mapping[str, Any]) -> Estimate:
    """
    Check a document by the limits, price each of its operations, and check it by the schema if it is affordable.

    Args:
        schema: The schema.
        limits: The limits of a document.
        text: The document.
        variables: Values of its variables; those without one have their defaults.
    """
    document_id = identify(text)
    if len(text) > MAX_CHARACTERS:
        return Estimate(document_id, faults=[f"The document has more than {MAX_CHARACTERS} characters."])
    if count_brackets(text) > MAX_BRACKETS:
        return Estimate(document_id, faults=[f"The document has more than {MAX_BRACKETS} brackets open at once."])
    try:
        document = parse(text, max_tokens=limits.max_tokens)
        excesses = list_excesses(document, limits)
        if excesses:
            return Estimate(document_id, faults=list(map(_tell, excesses)))
        return _price(schema, limits, document_id, document, variables)
    except GraphQLError as error:
        return Estimate(document_id, faults=[_tell(error)])
    except RecursionError:  # inline fragments in a chain of fragments
        return Estimate(document_id, faults=["The document's fragments or its variables are nested too deep."])


def _price(
    schema: Schema, limits: Limits, document_id: str, document: DocumentNode, variables: Mapping[str, Any]
) -> Estimate:
    excess = find_excess(schema._schema, document, variables, limits.max_items)
    if excess is not None:
        came, limit, what = excess
        return Estimate(document_id, faults=[f"The variables have {came} {what}, at most {limit} are allowed."])
    pricing = Pricing(schema._schema, document, variables)
    operations = list_operations(document, None)
    prices = [_shown_price(None if node.name is None else node.name.value, pricing.price(node)) for node in operations]
    errors = [error for node in operations for error in list_excessive_prices(pricing, node, limits)]
    # As when it is sent, a document above the limits is not validated, which could take long.
    return Estimate(document_id, prices, [_tell(error) for error in errors or validate(schema._schema, document)])


def _shown_price(name: str | None, price: Price) -> OperationPrice:
    return OperationPrice(name, price.rows, price.points, price.total)


def _tell(error: GraphQLError) -> str:
    place = error.locations[0] if error.locations else None
    return error.message if place is None else f"line {place.line}, column {place.column}: {error.message}"
