"""Each kind of refusal has a GraphQL type, made from its error class."""

from typing import Any

import pytest
from graphql import get_named_type, is_union_type

from graph.errors import (
    BundleError,
    InvalidError,
    Problem,
    RefusedError,
    RefusedItemsError,
    refusal_fields,
    refusal_kinds,
)
from resolvers.base.input_names import input_name
from resolvers.base.refusals import refused, type_name
from tests.helpers.asking import SCHEMA, place_of

GRAPHQL: Any = SCHEMA._schema


@pytest.mark.parametrize("kind", refusal_kinds(), ids=lambda kind: kind.__name__)
def test_a_refusals_type_follows_from_its_error(kind: type[RefusedError]) -> None:
    """Name, description and fields."""
    found = GRAPHQL.type_map[type_name(kind)]

    assert found.name.lower() == kind.code.replace("_", "").lower()
    assert (kind.__doc__ or "").strip().startswith(found.description)
    assert set(found.fields) == {"code", "message", "path", "isRetryable", *map(input_name, refusal_fields(kind))}


def test_a_batch_names_every_input_as_the_client_does() -> None:
    """In the message of the whole as in each refusal."""
    names = {"symbol": "ticker"}
    error = RefusedItemsError([InvalidError("x", path="input.predictor_id"), InvalidError("y", path="input.symbol")])

    shown = refused(error, names)

    assert [place_of(refusal) for refusal in shown["refusals"]] == ["input.predictor", "input.ticker"]
    assert shown["message"] == "2 items refused, nothing was written: input.predictor: x; input.ticker: y"


def test_a_bundles_problems_are_told_in_the_clients_words() -> None:
    """A row's problems name properties; whoever sent an input knows its fields."""
    (one, several) = (refused(BundleError([Problem("predictions[0].window_end", "x")] * number)) for number in (1, 2))

    assert (one["__typename"], place_of(one)) == ("Invalid", "predictions.0.windowEndsAt")
    assert (several["__typename"], len(several["refusals"])) == ("BatchRefused", 2)


@pytest.mark.parametrize("name", sorted(GRAPHQL.mutation_type.fields))
def test_every_mutation_can_be_retried_and_tried(name: str) -> None:
    """By the arguments of every write, and refusals of them."""
    field = GRAPHQL.mutation_type.fields[name]
    answer: Any = get_named_type(field.type)

    assert set(field.args) == {"input", "idempotencyKey", "dryRun"}
    assert is_union_type(answer)
    assert answer.name == f"{name[0].upper()}{name[1:]}Payload"
    assert {"Invalid", "Conflict", "KeyReused"} < {found.name for found in answer.types}
