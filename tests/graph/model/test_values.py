"""Types of single values, each by itself."""

import json
import math
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from pydantic import TypeAdapter, ValidationError

from graph.model.shown import MAX_SHOWN_CHARACTERS, shown_value
from graph.model.values import (
    Count,
    Day,
    Days,
    Id,
    Line,
    LogRatio,
    LongCount,
    Metadata,
    MilestoneId,
    Moment,
    Probability,
    Share,
    Symbol,
    Text,
    Url,
    Year,
)
from tests.helpers.bundles import ids, json_values, moments, probabilities, texts


def is_valid(kind: Any, value: object) -> bool:
    """Whether a value is of a type, as strictly as a bundle's rows take it."""
    try:
        TypeAdapter(kind).validate_python(value, strict=not isinstance(value, str))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [
        (Probability, [math.nextafter(0, 1), 0.5, math.nextafter(1, 0)], [0.0, 1.0, -0.1, math.nan]),
        (Share, [0.0, 0.5, 1.0], [math.nextafter(0, -1), math.nextafter(1, 2), math.nan]),
        (LogRatio, [-1e6, 0.0, 1e6], [math.nextafter(1e6, math.inf), -math.inf, math.nan]),
        (Days, [0, 36_525], [-1, 36_526]),
        (Year, [1000, 9000], [999, 9001]),
        (Day, [date(1000, 1, 1), date(9000, 12, 31)], [date(999, 12, 31), date(9001, 1, 1)]),
        (Id, ["a", "x" * 200], ["", "x" * 201, "-a", "a b", "a!", "é"]),
        (MilestoneId, ["x" * 220], ["x" * 221]),
        (Line, ["a\t\r\n", "x" * 2_000], ["", "x" * 2_001, "\x00", "\x1f", "\x7f"]),
        (
            Line,
            ["\u0301", "\U0001f680\ufe0f", "."],
            [" ", "\t\r\n", "\u00a0\u2003", "\u200b", "\u2800", "\u3164", "\ufeff"],
        ),
        (Text, ["x" * 100_000], ["", " \n ", "x" * 100_001, "a\x0bb"]),
        (Url, ["http://a", "https://a/b?c"], ["ftp://a", "https://", "https://a b", "https://a\nb"]),
        (
            Url,
            ["HTTP://x", "http://[::1]:80/"],
            ["http://[::1", "http://a:b", "http://a:65536", "http:/a", "http://?q"],
        ),
        (Count, [0, 2**31 - 1], [-1, 2**31]),
        (LongCount, [0, 2**53], [-1, 2**53 + 1]),
        (
            Symbol,
            ["BRK.B", "BTC-USD", "0700.HK", "^GSPC", "ES=F", "EURUSD=X", "M&M.NS", "BF/B", "BHP:XASX", "^GSPC:XNYS"],
            ["", "nvda", "A B", "^", "A!", "A:", "A:NYS", "A:xnys", "A|B", 'A"', "é", "X" * 22, "A:XNYS:XNAS"],
        ),
        (Metadata, [None, {"a": [1e308]}], [[math.inf], {"a": math.nan}]),
    ],
)
def test_a_type_has_its_range_and_no_more(kind: Any, inside: list[object], outside: list[object]) -> None:
    """The values at both ends of it belong to it, their neighbours do not."""
    assert [value for value in inside if not is_valid(kind, value)] == []
    assert [value for value in outside if is_valid(kind, value)] == []


@given(moments())
def test_a_moment_is_the_same_instant_in_utc(moment: datetime) -> None:
    """Read from its text, with whatever offset it has there."""
    read = TypeAdapter(Moment).validate_python(moment.isoformat())

    assert read.tzinfo is UTC
    assert read == moment


@pytest.mark.parametrize("text", ["0", "20260530", "2026-05-30", "2026-05-30T10:00:00", "today", ""])
def test_text_that_pydantic_would_guess_at_is_no_moment(text: str) -> None:
    """Digits alone would count seconds since 1970, and a time without an offset would be anywhere."""
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Moment).validate_python(text)

    (detail,) = refused.value.errors()
    assert "moment with its offset, such as 2026-05-30T22:15:00Z" in detail["msg"]


@pytest.mark.parametrize("text", ["0", "946684800", "20260530", "2026-5-30", "2026-02-30", "2026-05-30T00:00:00Z"])
def test_text_that_is_no_calendar_day_is_shown_with_an_example(text: str) -> None:
    """The message says how a day is written, and what came instead."""
    with pytest.raises(ValidationError, match="expected a day such as 2026-05-30, got") as refused:
        TypeAdapter(Day).validate_python(text)

    assert json.dumps(text) in str(refused.value)


@given(ids(), texts(), probabilities(), json_values())
def test_what_rows_may_hold_is_of_its_type(row_id: str, text: str, probability: float, value: Any) -> None:
    """Ids, texts, probabilities and JSON as the other tests draw them."""
    assert is_valid(Id, row_id)
    assert is_valid(Line, text)
    assert is_valid(Probability, probability)
    assert is_valid(Metadata, value)


@given(json_values())
def test_a_value_is_shown_as_json_up_to_a_length(value: Any) -> None:
    """All of it where it is short; else its beginning, and a mark that more follows."""
    text, shown = json.dumps(value, ensure_ascii=False), shown_value(value)

    if len(text) <= MAX_SHOWN_CHARACTERS:
        assert shown == text
    else:
        assert shown == text[:MAX_SHOWN_CHARACTERS] + "…"


def test_what_is_not_json_is_shown_as_text() -> None:
    """A day in a wrong place is still shown."""
    assert shown_value([date(2026, 5, 30)]) == '["2026-05-30"]'
