"""Bundles as text: what is right in them, and everything that is wrong."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from graph.bundles.drafts import parse_bundle, read_draft
from graph.errors import BundleError, Problem
from graph.model.bundle import BUNDLE_FORMAT, Bundle, bundle_json_schema
from graph.model.kinds import ClaimStatus, ExposureSign, InfluenceKind
from graph.model.moments import FIRST_YEAR, LAST_YEAR
from graph.model.rows import Contribution, Episode, Evidence, Exposure, Influence, Prediction, SavedQuery, Ticker
from graph.model.shown import MAX_SHOWN_CHARACTERS
from graph.model.subjects import row_id
from graph.model.values import (
    ID_PATTERN,
    MAX_LINE_CHARACTERS,
    MAX_TEXT_CHARACTERS,
)
from graph.sample.loading import load_sample

EVIDENCE = {
    "id": "e",
    "claim_id": "P",
    "policy": "imported",
    "observed_at": "2026-05-30T22:15:00Z",
    "recorded_at": "2026-05-30T22:15:00Z",
    "total_llr": 0.5,
}
MILESTONE = {"id": "m", "prediction_id": "P", "kind": "EVENT", "label": "It ships", "expected_date": "2026-10-05"}


def text(**lists: Any) -> str:
    return json.dumps({"format": BUNDLE_FORMAT, **lists})


def prediction(**fields: Any) -> dict[str, Any]:
    return {"id": "P", "title": "A prediction"} | fields


def problems(given_: str | bytes) -> list[Problem]:
    try:
        return list(read_draft(given_).problems)
    except BundleError as refused:
        return list(refused.problems)


def only_problem(given_: str | bytes) -> Problem:
    (problem,) = problems(given_)
    return problem


# What is wrong


@pytest.mark.parametrize(
    ("name", "row", "path", "expected"),
    [
        ("predictors", {"id": "a", "name": "a\x00b"}, ".name", r"without control characters, got '\x00' at 1"),
        ("predictors", {"id": "a", "name": "\x7f"}, ".name", r"without control characters, got '\x7f' at 0"),
        ("predictors", {"id": "a", "name": "x" * (MAX_LINE_CHARACTERS + 1)}, ".name", "at most 2000 characters"),
        ("predictions", prediction(text="x" * (MAX_TEXT_CHARACTERS + 1)), ".text", "at most 100000 characters"),
        ("predictors", {"id": "x" * 201, "name": "a"}, ".id", "should match pattern"),
        ("predictors", {"id": "a|b", "name": "a"}, ".id", "should match pattern"),
        ("predictors", {"id": "a!", "name": "a"}, ".id", "should match pattern"),
        ("predictors", {"id": "a\n", "name": "a"}, ".id", "should match pattern"),
        ("predictors", {"id": 7, "name": "a"}, ".id", "valid string, got 7"),
        ("episodes", {"id": "a", "title": "t", "number": 1.0}, ".number", "valid integer, got 1.0"),
        ("episodes", {"id": "a", "title": "t", "number": "1"}, ".number", 'valid integer, got "1"'),
        ("episodes", {"id": "a", "title": "t", "number": -1}, ".number", "greater than or equal to 0, got -1"),
        (
            "episodes",
            {"id": "a", "title": "t", "url": "file:///etc/passwd"},
            ".url",
            "begins with neither http:// nor https://",
        ),
        ("episodes", {"id": "a", "title": "t", "url": "https://a b"}, ".url", "' ' at 9 may not be in it"),
        ("predictions", prediction(stated_probability=0), ".stated_probability", "greater than 0, got 0"),
        ("predictions", prediction(stated_probability=True), ".stated_probability", "valid number, got true"),
        ("predictions", prediction(mode="prediction"), ".mode", "'PREDICTION', 'SPECULATION' or 'FORECAST'"),
        ("predictions", prediction(from_year=999), ".from_year", "greater than or equal to 1000, got 999"),
        ("predictions", prediction(from_year=2030, to_year=2026), "", "to_year not before from_year, got 2030 to 2026"),
        ("predictions", prediction(window_end="2026-01-01T00:00:00Z"), "", "window_start and window_end together"),
        (
            "predictions",
            prediction(window_start="2026-01-01T01:00:00+01:00", window_end="2026-01-01T00:00:00Z"),
            "",
            "expected window_end after window_start",
        ),
        ("killers", prediction(status="RESOLVED_TRUE"), "", "resolved_at exactly when the status is not OPEN"),
        ("scenarios", prediction(resolved_at="2026-01-01T00:00:00Z"), "", "resolved_at exactly when"),
        (
            "reference_classes",
            {"id": "r", "description": "d", "base_rate": 0.1, "successes": 3, "trials": 2},
            "",
            "at most as many successes as trials, got 3 of 2",
        ),
        ("milestones", MILESTONE | {"expected_date": None}, "", "expected_date, or range_from and range_to, got none"),
        ("milestones", MILESTONE | {"range_to": "2026-01-01"}, "", "range_from and range_to together"),
        (
            "milestones",
            MILESTONE | {"range_from": "2026-01-02", "range_to": "2026-01-01"},
            "",
            "range_to not before range_from, got 2026-01-02 to 2026-01-01",
        ),
        ("influences", {"kind": "KILLS", "parent_id": "A", "child_id": "A"}, "", "two different claims, got 'A' twice"),
        (
            "influences",
            {"kind": "KILLS", "parent_id": "A", "child_id": "B", "p_if_true": 0.5},
            "",
            "p_if_true and p_if_false together",
        ),
        ("saved_queries", {"name": "q", "version": 0, "statement": "RETURN 1"}, ".version", "or equal to 1, got 0"),
        (
            "saved_queries",
            {"name": "q", "version": 1, "statement": "RETURN 1", "parameters": [{"name": "n", "type": "POINT"}]},
            ".parameters[0].type",
            'got "POINT"',
        ),
    ],
)
def test_a_wrong_value_is_told_with_what_was_expected(name: str, row: dict[str, Any], path: str, expected: str) -> None:
    """The place is that of the value, or of the row where two values disagree."""
    problem = only_problem(text(**{name: [row]}))

    assert problem.path == f"{name}[0]{path}"
    assert expected in problem.message


def test_lines_may_break_and_texts_may_be_as_long_as_the_limit() -> None:
    """Tabs and line breaks are text; a limit is what is still allowed."""
    row = prediction(title="x" * MAX_LINE_CHARACTERS, text="a\tb\r\n" + "é" * (MAX_TEXT_CHARACTERS - 5))

    assert problems(text(predictions=[row])) == []


def test_a_wrong_value_is_shown_shortened() -> None:
    """An error is to be read, not to carry the bundle back."""
    problem = only_problem(text(predictors=[{"id": "x y" * 1000, "name": "a"}]))

    assert len(problem.message) < len(ID_PATTERN) + MAX_SHOWN_CHARACTERS + 50
    assert problem.message.endswith("…")


# Days and moments


@pytest.mark.parametrize(
    "moment",
    [
        1_780_179_300,
        1.5,
        "1780179300",
        "1780179300000",
        "1.5",
        "2026-05-30",
        "2026-05-30T22:15:00",
        "30.05.2026 22:15Z",
        "2026-02-30T00:00:00Z",
        "2026-05-30T25:00:00Z",
        "now",
        "",
        "٢٠٢٦-05-30T22:15:00Z",
        f"{FIRST_YEAR - 1:04d}-12-31T23:59:59Z",
        f"{LAST_YEAR + 1}-01-01T00:00:00Z",
        # Within the years where it was written, but not in UTC, in which it is kept.
        f"{FIRST_YEAR}-01-01T00:00:00+01:00",
        f"{LAST_YEAR}-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
    ],
)
def test_a_moment_is_a_time_of_a_day_with_its_offset(moment: Any) -> None:
    """A number has no unit, a time without offset is anyone's guess; the years are those that all parts can hold."""
    problem = only_problem(text(episodes=[{"id": "e", "title": "t", "published_at": moment}]))

    assert problem.path == "episodes[0].published_at"
    assert "got" in problem.message


@pytest.mark.parametrize(
    "day",
    [20_603, "20603", "946684800", "-1", "2026-5-30", "2026-02-30", "20260530", "2026-05-30T00:00:00Z", "0999-12-31"],
)
def test_a_day_is_year_month_and_day(day: Any) -> None:
    """Nothing else is taken for one."""
    problem = only_problem(text(milestones=[MILESTONE | {"expected_date": day}]))

    assert problem.path == "milestones[0].expected_date"
    assert "got" in problem.message


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-05-30T22:15:00.756418Z", datetime(2026, 5, 30, 22, 15, 0, 756_418, tzinfo=UTC)),
        ("2026-05-30T22:15:00+00:00", datetime(2026, 5, 30, 22, 15, tzinfo=UTC)),
        ("2026-05-30 15:15:00-07:00", datetime(2026, 5, 30, 22, 15, tzinfo=UTC)),
        ("2026-05-31T00:15:00.5+02:00", datetime(2026, 5, 30, 22, 15, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_moments_are_kept_in_utc(moment: str, expected: datetime) -> None:
    """So that they are written and sorted alike, wherever they were noted."""
    bundle = parse_bundle(text(episodes=[{"id": "e", "title": "t", "published_at": moment}]))

    assert bundle.episodes[0].published_at == expected
    assert str(bundle.episodes[0].published_at) == str(expected)


# Ids


def test_rows_are_told_apart_by_what_makes_them() -> None:
    """An edge by its kind and its ends, a saved query by its version."""
    rows = {
        "NVDA": Ticker(symbol="NVDA"),
        "KILLS|A|B": Influence(kind=InfluenceKind.KILLS, parent_id="A", child_id="B"),
        "HARMS|A|NVDA": Exposure(sign=ExposureSign.HARMS, prediction_id="A", symbol="NVDA"),
        "q@2": SavedQuery(name="q", version=2, statement="RETURN 1"),
        "e": Episode(id="e", title="t"),
    }

    assert {row_id(row) for row in rows.values()} == set(rows)


# Metadata as it came


@pytest.mark.parametrize(
    "raw",
    [None, [], {}, {"a": None, "b": [None, {"c": None}]}, "\x00 \u2028", 2**70, -0.0, 1e308, [True, 1, 1.0], "é😀"],
)
def test_raw_metadata_comes_through_whole(raw: Any) -> None:
    """Nulls, control characters and large numbers too: it is kept for what it was."""
    bundle = parse_bundle(text(predictions=[prediction(raw_metadata=raw)]))

    again = parse_bundle(bundle.to_json())
    assert json.dumps(again.predictions[0].raw_metadata) == json.dumps(raw)
    assert again == bundle


@pytest.mark.parametrize("raw", ["1e400", "[-1e999]", '{"a": {"b": 1e309}}'])
def test_numbers_that_no_float_can_hold_are_refused(raw: str) -> None:
    """They are JSON, but the infinity that is read would be written as none."""
    given_ = text(predictions=[prediction(raw_metadata="HERE")]).replace('"HERE"', raw)
    problem = only_problem(given_)

    assert problem.path.startswith("predictions[0].raw_metadata")
    assert "is beyond the range of a float (line 1, column " in problem.message


def test_a_weight_of_evidence_that_no_float_can_hold_is_refused() -> None:
    """It would decide every claim it touches."""
    problem = only_problem(text(evidence=[EVIDENCE | {"total_llr": 12345.0}]).replace("12345.0", "1e400"))

    assert problem.path == "evidence[0].total_llr"
    assert "1e400 is beyond the range of a float" in problem.message


# Text and back

ids = st.from_regex(ID_PATTERN, fullmatch=True)
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
lines = words.map(lambda text: f"{text}.")  # not blank
days = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))
moments = st.builds(lambda day, time: datetime.combine(day, time.replace(fold=0), tzinfo=UTC), days, st.times())
floats = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(lines, inner, max_size=3),
    max_leaves=8,
)
probabilities = st.floats(0, 1, exclude_min=True, exclude_max=True)
bundles = st.builds(
    Bundle,
    format=st.just(BUNDLE_FORMAT),
    episodes=st.lists(
        st.builds(
            Episode, id=ids, title=lines, number=st.none() | st.integers(0, 2**31 - 1), published_at=st.none() | moments
        ),
        unique_by=row_id,
        max_size=3,
    ).map(tuple),
    predictions=st.lists(
        st.builds(
            Prediction,
            id=ids,
            title=lines,
            stated_probability=st.none() | probabilities,
            imported_on=st.none() | days,
            raw_metadata=json_values,
        ),
        unique_by=row_id,
        max_size=3,
    ).map(tuple),
    evidence=st.lists(
        st.builds(
            Evidence,
            id=ids,
            claim_id=ids,
            policy=lines,
            observed_at=moments,
            recorded_at=moments,
            total_llr=st.floats(-1e6, 1e6),
            contributions=st.lists(st.builds(Contribution, llr=st.floats(-1e6, 1e6), label=lines), max_size=2).map(
                tuple
            ),
            raw_metadata=json_values,
        ),
        unique_by=row_id,
        max_size=2,
    ).map(tuple),
)


@given(bundles)
def test_a_bundle_reads_as_what_was_written(bundle: Bundle) -> None:
    """To the last digit of a float and the last microsecond; written once more it is the same text."""
    written = bundle.to_json()

    assert parse_bundle(written) == bundle
    assert parse_bundle(written.encode()) == bundle
    assert parse_bundle(written).to_json() == written


def test_a_bundle_is_written_one_row_a_line_without_absent_values() -> None:
    """So that a diff reads well."""
    bundle = parse_bundle(text(tickers=[{"symbol": "A", "name": None}, {"symbol": "B", "name": "Bé"}], domains=[]))

    assert bundle.to_json() == (
        '{\n  "format": "foregraph-bundle/1",\n  "tickers": [\n    {"symbol": "A"},\n'
        '    {"symbol": "B", "name": "Bé"}\n  ]\n}\n'
    )
    assert bundle.num_rows() == 2


def test_what_is_left_out_has_its_default() -> None:
    """A claim is open until its outcome is known."""
    (row,) = parse_bundle(text(predictions=[prediction()])).predictions

    assert row.status is ClaimStatus.OPEN
    assert row.stated_probability is None
    assert row.raw_metadata is None


# The JSON Schema


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    schema = bundle_json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def test_the_schema_accepts_the_sample(schema: Draft202012Validator) -> None:
    """As it is exported."""
    assert list(schema.iter_errors(json.loads(load_sample().to_json()))) == []


@given(bundle=bundles)
def test_the_schema_accepts_what_is_written(schema: Draft202012Validator, bundle: Bundle) -> None:
    """Whatever the rows hold."""
    assert list(schema.iter_errors(json.loads(bundle.to_json()))) == []


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"format": "foregraph-bundle/2"},
        {"format": BUNDLE_FORMAT, "unknown": []},
        {"format": BUNDLE_FORMAT, "tickers": {}},
        {"format": BUNDLE_FORMAT, "tickers": [{"symbol": "n v"}]},
        {"format": BUNDLE_FORMAT, "tickers": [{"symbol": "A", "price": 3}]},
        {"format": BUNDLE_FORMAT, "predictions": [{"id": "P"}]},
        {"format": BUNDLE_FORMAT, "predictions": [prediction(stated_probability=1)]},
        {"format": BUNDLE_FORMAT, "predictions": [prediction(status="MAYBE")]},
        {"format": BUNDLE_FORMAT, "predictions": [prediction(title="x" * (MAX_LINE_CHARACTERS + 1))]},
        {"format": BUNDLE_FORMAT, "predictions": [prediction(imported_on=20_603)]},
        {"format": BUNDLE_FORMAT, "predictions": [prediction(imported_on="20603")]},
        {"format": BUNDLE_FORMAT, "evidence": [EVIDENCE | {"contributions": [{"llr": "much"}]}]},
    ],
)
def test_what_the_schema_refuses_is_refused_here_too(schema: Draft202012Validator, broken: dict[str, Any]) -> None:
    """Whoever checks a bundle before sending it is told the same."""
    assert not schema.is_valid(broken)
    assert problems(json.dumps(broken))


def test_every_property_of_a_bundle_is_described() -> None:
    """Whoever writes a bundle learns from its schema what each property means."""
    schema = bundle_json_schema()
    rows = {name: found for name, found in schema["$defs"].items() if name != "JsonValue"}
    properties = {
        f"{name}.{property_name}": found
        for name, row in {"Bundle": schema, **rows}.items()
        for property_name, found in row.get("properties", {}).items()
    }

    assert [name for name, found in (rows | properties).items() if not found.get("description")] == []
    assert len(properties) > 150
