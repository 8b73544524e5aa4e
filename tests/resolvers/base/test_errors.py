"""Errors as clients see them: what they can act on with its code, all else masked."""

from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import GraphQLError

from graph.database.sessions import Database
from graph.errors import (
    BudgetError,
    BundleError,
    BusyError,
    ClosedClaimError,
    ConfigurationError,
    CycleError,
    CypherSyntaxError,
    DuplicateError,
    ForegraphError,
    InvalidError,
    MigrationDriftError,
    NotFoundError,
    OversizeError,
    Problem,
    RefusedCypherError,
    RefusedItemsError,
    ServerError,
    TimedOutError,
    UnavailableError,
    refusal_kinds,
)
from resolvers.base.errors import shown
from tests.helpers.asking import ask_wrong

REFUSALS = {
    NotFoundError: NotFoundError("x", path="input.claim_id"),
    DuplicateError: DuplicateError("x", existing_key="E_1"),
    ClosedClaimError: ClosedClaimError("x", status="ANNULLED", resolved_at=datetime(2026, 5, 1, tzinfo=UTC)),
    CycleError: CycleError("x", cycle=["A", "B", "A"]),
    OversizeError: OversizeError("x", size=5, limit=3),
    RefusedCypherError: RefusedCypherError("x", kind="FUNCTION", name="file", hint="y"),
    CypherSyntaxError: CypherSyntaxError("x", line=1, column=2),
    RefusedItemsError: RefusedItemsError([InvalidError("x", path="items[1].observed_at")]),
}
CARRIED: dict[type[ForegraphError], dict[str, Any]] = {
    NotFoundError: {"argument": "input.claim"},
    DuplicateError: {"existingKey": "E_1"},
    ClosedClaimError: {"status": "ANNULLED", "resolvedAt": "2026-05-01T00:00:00Z"},
    CycleError: {"cycle": ["A", "B", "A"]},
    OversizeError: {"size": 5, "limit": 3},
    RefusedCypherError: {"argument": "statement", "kind": "FUNCTION", "name": "file", "hint": "y"},
    CypherSyntaxError: {"argument": "statement", "line": 1, "column": 2, "hint": "x"},
    RefusedItemsError: {"refusals": [{"code": "INVALID", "message": "x", "argument": "items[1].observedAt"}]},
}


def show(original: Exception) -> GraphQLError:
    """What a client sees where a field has raised an error."""
    return shown(GraphQLError(str(original), path=["field"], original_error=original), "r-1")


@pytest.mark.parametrize("kind", refusal_kinds(), ids=lambda kind: kind.__name__)
def test_every_refusal_is_shown_with_its_code_and_fields(kind: Any) -> None:
    """A plain query refuses through the same door as a mutation."""
    error = show(REFUSALS[kind] if kind in REFUSALS else kind("x"))

    assert error.extensions == {"code": kind.code, "isRetryable": False, "argument": None} | CARRIED.get(kind, {})


@pytest.mark.parametrize(
    ("original", "is_retryable"),
    [
        (UnavailableError("gone"), True),
        (BusyError("busy"), True),
        (TimedOutError("slow"), False),
        (BundleError([Problem("bundle", "expected JSON")]), False),
    ],
)
def test_what_a_client_can_wait_for_or_mend_is_shown(original: ForegraphError, *, is_retryable: bool) -> None:
    """With whether a retry may help."""
    error = show(original)

    assert error.message == str(original)
    assert error.extensions == {"code": original.code, "isRetryable": is_retryable}


@pytest.mark.parametrize(
    "original",
    [ConfigurationError("secret"), MigrationDriftError("secret"), ServerError("secret"), RuntimeError("secret")],
)
def test_what_only_the_operator_can_mend_is_masked(original: Exception) -> None:
    """The log has it under the request's id."""
    error = show(original)

    assert "secret" not in error.message
    assert error.extensions == {"code": "INTERNAL", "requestId": "r-1"}


async def test_a_plain_query_above_the_limits_says_so(small: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the size of the network, and the limit."""
    monkeypatch.setattr("graph.network.fetching.MAX_INFLUENCES", 0)

    error = await ask_wrong(small, "{ incoherence { revision } }")

    assert (error["extensions"]["code"], error["extensions"]["isRetryable"]) == ("TOO_LARGE", False)
    assert error["extensions"]["size"] > error["extensions"]["limit"] == 0
    assert "influences" in error["message"]


async def test_a_plain_query_names_the_argument_as_the_client_does(small: Database) -> None:
    """Whatever layer has refused it."""
    error = await ask_wrong(small, '{ predictions(filter: { referenceClass: "a b" }) { nodes { id } } }')

    assert error["extensions"] == {"code": "INVALID", "isRetryable": False, "argument": "filter.referenceClass"}


def test_a_request_above_its_budget_is_told_both_amounts() -> None:
    """As a document is whose price is too high before it runs."""
    error = show(BudgetError("too many rows", size=11, limit=10))

    assert error.message == "too many rows"
    assert error.extensions == {"code": "TOO_EXPENSIVE", "isRetryable": False, "size": 11, "limit": 10}
