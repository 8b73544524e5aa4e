"""Values of parameters: what is taken, what is refused, and what the refusal says."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from graph.errors import InvalidError, RefusedItemsError
from graph.model.kinds import ParameterType
from graph.saved.queries import Parameter
from graph.saved.values import read_default, read_values, sample_values

NOON = datetime(2026, 5, 30, 12, tzinfo=UTC)


def read(kind: str, value: Any) -> Any:
    """The value of one parameter."""
    return read_values([Parameter("x", ParameterType(kind))], {"x": value}, "query")["x"]


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("STRING", "", ""),
        ("STRING", "'}) DETACH DELETE n //", "'}) DETACH DELETE n //"),
        ("STRING", "x" * 10_000, "x" * 10_000),
        ("INTEGER", 7, 7),
        ("INTEGER", "7", 7),
        ("INTEGER", " -9223372036854775808 ", -(2**63)),
        ("INTEGER", 2**63 - 1, 2**63 - 1),
        ("FLOAT", 1, 1.0),
        ("FLOAT", "1e-3", 0.001),
        ("FLOAT", ".5", 0.5),
        ("BOOLEAN", True, True),
        ("BOOLEAN", "False", False),
        ("DATE", "2026-05-30", date(2026, 5, 30)),
        ("DATE_TIME", "2026-05-30T14:00:00+02:00", NOON),
        ("DATETIME", "2026-05-30t12:00:00z", NOON),
        ("STRING_LIST", ["a", "b"], ["a", "b"]),
        ("STRING_LIST", [], []),
        ("STRING_LIST", "a", ["a"]),
        ("STRING_LIST", "a\r\nb\n", ["a", "b", ""]),
    ],
)
def test_a_value_is_converted_to_its_type(kind: str, given: object, expected: object) -> None:
    """JSON and texts of an address are taken alike; the older spelling of a type too."""
    found = read(kind, given)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("STRING", 7, "a text of at most 10,000 characters"),
        ("STRING", "x" * 10_001, "10,001 characters"),
        ("STRING", "a\ud800", "surrogates"),
        ("STRING", ["a"], "a text"),
        ("INTEGER", True, "a whole number of 64 bits"),
        ("INTEGER", 7.0, "a whole number of 64 bits"),
        ("INTEGER", "7.0", "a whole number of 64 bits"),
        ("INTEGER", "\u0667", "a whole number of 64 bits"),
        ("INTEGER", 2**63, "a whole number of 64 bits"),
        ("INTEGER", "9" * 5_000, "a whole number of 64 bits"),
        ("INTEGER", ["1", "2"], "a whole number of 64 bits"),
        ("FLOAT", "nan", "a finite number"),
        ("FLOAT", "1e999", "a finite number"),
        ("FLOAT", 10**400, "a finite number"),
        ("FLOAT", "1_0", "a finite number"),
        ("BOOLEAN", "yes", "true or false"),
        ("BOOLEAN", 1, "true or false"),
        ("DATE", "2026-02-30", "a day such as"),
        ("DATE", "20260530", "a day such as"),
        ("DATE", "2026-05-30T00:00:00Z", "a day such as"),
        ("DATE_TIME", "2026-05-30", "an RFC 3339 moment"),
        ("DATE_TIME", "2026-05-30T12:00:00", "an RFC 3339 moment"),
        ("DATE_TIME", 1780000000, "an RFC 3339 moment"),
        ("STRING_LIST", [1], "a list of at most 1,000 texts"),
        ("STRING_LIST", {"a": 1}, "a list of at most 1,000 texts"),
        ("STRING_LIST", ["a"] * 1_001, "a list of at most 1,000 texts"),
        ("STRING_LIST", ["x" * 1_001], "1,001 characters"),
    ],
)
def test_another_value_is_refused(kind: str, given: object, expected: str) -> None:
    """The error names the parameter, its type, what was expected and what came, and can be sent."""
    with pytest.raises(InvalidError) as refusal:
        read(kind, given)

    assert f"the parameter 'x' ({kind})" in str(refusal.value)
    assert expected in str(refusal.value)
    assert "got " in str(refusal.value)
    assert len(str(refusal.value).encode()) < 500


def test_what_is_not_given_is_the_default_or_null() -> None:
    """Null stands for a value that is not given."""
    parameters = [
        Parameter("a", ParameterType.INTEGER, default=5, is_required=False),
        Parameter("b", ParameterType.STRING, is_required=False),
        Parameter("c", ParameterType.DATE, default="2026-05-30", is_required=False),
    ]

    assert read_values(parameters, {"a": None}, "q") == {"a": 5, "b": None, "c": date(2026, 5, 30)}
    assert read_values(parameters, {"a": 0, "b": ""}, "q") == {"a": 0, "b": "", "c": date(2026, 5, 30)}


def test_all_faults_are_told_at_once() -> None:
    """A missing value, a wrong one, and one of no parameter."""
    parameters = [Parameter("a", ParameterType.INTEGER), Parameter("num_evidence", ParameterType.FLOAT)]

    with pytest.raises(RefusedItemsError) as refusal:
        read_values(parameters, {"num_evidence": "x", "z": 1}, "query")

    messages = [fault.message for fault in refusal.value.refusals]
    assert messages == [
        "the query 'query' has no parameter 'z'; its parameters are: a, num_evidence",
        "the parameter 'a' (INTEGER) is required: expected a whole number of 64 bits, got nothing",
        "the parameter 'num_evidence' (FLOAT) expects a finite number, got \"x\"",
    ]


@pytest.mark.parametrize("kind", list(ParameterType))
def test_a_sample_value_is_of_its_type(kind: ParameterType) -> None:
    """What a statement is judged with can be what it runs with."""
    parameter = Parameter("x", kind)
    sample = sample_values([parameter])["x"]
    text = sample.isoformat() if isinstance(sample, date) else sample

    assert read(kind, text) == sample


@pytest.mark.parametrize(
    ("kind", "default", "kept"),
    [("FLOAT", "5", 5.0), ("DATE", "2026-05-30", "2026-05-30"), ("DATE_TIME", "2026-05-30T14:00:00+02:00", NOON)],
)
def test_a_default_is_kept_as_json(kind: str, default: object, kept: object) -> None:
    """In one form, so that the same default is no new version."""
    expected = "2026-05-30T12:00:00Z" if isinstance(kept, datetime) else kept

    assert read_default(Parameter("x", ParameterType(kind), default=default), "default") == expected
