"""Values of the schema's own scalars and a check of answers for Schemathesis, which is installed beside the project."""

import json
import re
from typing import Any, Final

import schemathesis
from graphql import parse_value
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import negative_data_rejection

FAULT: Final = "INTERNAL"
"""The code of an error that nothing expected."""
TOLD: Final = (503, 504)
"""Statuses above 499 that tell clients to come again, or to ask for less."""
_KEY: Final = re.compile(r'"([A-Za-z_][A-Za-z_0-9]*)":')


def _values() -> Any:
    """Values of JSON, as literals of GraphQL; names of their fields are some that bundles have, and others."""
    names = st.sampled_from(["format", "predictions", "predictors", "evidence", "id", "title", "claim"])
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    inner = st.recursive(leaves, lambda below: st.lists(below) | st.dictionaries(names, below), max_leaves=20)
    return inner.map(lambda value: parse_value(_KEY.sub(r"\1:", json.dumps(value))))


def _texts(strategy: Any) -> Any:
    return strategy.map(lambda value: parse_value(json.dumps(value)))


schemathesis.graphql.scalar("JSON", _values())
schemathesis.graphql.scalar("Probability", _texts(st.floats(-0.5, 1.5)))
schemathesis.graphql.scalar("Int64", _texts(st.integers().map(str)))
schemathesis.graphql.scalar("URL", _texts(st.text() | st.just("https://example.org/a")))


@schemathesis.check
def no_fault(ctx: Any, response: Any, case: Any) -> None:
    """Fail on a fault of the service; refusals, those of a busy one included, are none."""
    status = response.status_code
    assert status < 500 or status in TOLD, f"status {status}"
    kind = response.headers.get("content-type", [""])[0]
    if "json" not in kind or not response.content:
        return
    by_line = "ndjson" in kind
    for found in map(json.loads, filter(None, response.text.split("\n"))) if by_line else [response.json()]:
        errors = found.get("errors", ()) if isinstance(found, dict) else ()
        codes = [(error.get("extensions") or {}).get("code") for error in errors]
        assert FAULT not in codes, f"errors {errors}"


@schemathesis.check
def refuses_faults(ctx: Any, response: Any, case: Any) -> Any:
    """Fail where bad input is taken; of the items of a body, which count each by itself, a line tells a refusal."""
    if case.operation.path == "/evidence" and response.status_code == 200:
        lines = [json.loads(line) for line in response.text.split("\n") if line]
        if any(line["status"] == "REFUSED" for line in lines):
            return None
    return negative_data_rejection(ctx, response, case)
