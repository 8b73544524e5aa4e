"""Bundles as text: the rows that can be read, and the problems of all others."""

import json
from typing import Any

import pytest

from graph.bundles.drafts import MOST_PROBLEMS, SLICE_ROWS, parse_bundle, read_draft
from graph.errors import BundleError, Problem
from graph.model.bundle import BUNDLE_FORMAT, LISTS
from graph.model.subjects import row_id
from graph.model.values import ID_PATTERN

EVIDENCE = {
    "id": "e",
    "claim_id": "P",
    "policy": "imported",
    "observed_at": "2026-05-30T22:15:00Z",
    "recorded_at": "2026-05-30T22:15:00Z",
    "total_llr": 0.5,
}


def text(**lists: Any) -> str:
    """A bundle's text."""
    return json.dumps({"format": BUNDLE_FORMAT, **lists})


def prediction(**fields: Any) -> dict[str, Any]:
    """A prediction's row."""
    return {"id": "P", "title": "A prediction"} | fields


def problems(given: str | bytes) -> list[Problem]:
    """The problems of a text."""
    return list(read_draft(given).problems)


def only_problem(given: str | bytes) -> Problem:
    """The one problem of a text."""
    (problem,) = problems(given)
    return problem


@pytest.mark.parametrize(
    ("name", "row", "place", "number"),
    [
        ("domains", '{"id": "d", "name": NaN}', "domains[0].name", "NaN"),
        ("predictors", '{"id": "p", "name": "Ada", "kappa": Infinity}', "predictors[0].kappa", "Infinity"),
        (
            "predictions",
            '{"id": "p", "raw_metadata": {"a": [-Infinity]}}',
            "predictions[0].raw_metadata.a[0]",
            "-Infinity",
        ),
        ("exposures", '{"sign": "HARMS", "symbol": "X", "impact": NaN}', "exposures[0].impact", "NaN"),
    ],
)
def test_numbers_that_json_does_not_have_are_no_json(name: str, row: str, place: str, number: str) -> None:
    """They could not be written again, wherever they stand."""
    given_ = f'{{"format": "{BUNDLE_FORMAT}", "{name}": [{row}]}}'
    with pytest.raises(BundleError) as refused:
        read_draft(given_)

    (problem,) = refused.value.problems
    column = given_.rindex(number) + 1
    assert str(problem) == f"{place}: {number} is not JSON (line 1, column {column})"


def test_a_list_or_a_key_that_comes_twice_is_told_with_its_path() -> None:
    """A reader of JSON keeps the last of them, and the other is gone without a word."""
    row = '{"id": "d", "name": "a", "name": "b"}'
    given_ = f'{{"format": "{BUNDLE_FORMAT}",\n"domains": [{row}],\n"domains": []}}'
    with pytest.raises(BundleError) as refused:
        read_draft(given_)

    assert list(map(str, refused.value.problems)) == [
        'domains[0].name: the key "name" comes twice (line 2, column 38)',
        'domains: the key "domains" comes twice (line 3, column 1)',
    ]


def test_all_problems_are_told_at_once_each_with_its_place() -> None:
    """Whoever mends a bundle wants to do it once."""
    draft = read_draft(
        text(
            predictors=[{"id": "ada", "name": "Ada"}, {"id": "b o b", "name": ""}],
            predictions=[
                prediction(stated_probability=1.0, status="MAYBE"),
                prediction(id="Q"),
                prediction(id="R", mood="good"),
                {"title": "no id"},
                None,
            ],
            evidence=[EVIDENCE | {"contributions": [{"llr": 0.1}, {"llr": "much"}]}],
            episodes="none",
            milestone=[],
        )
    )

    assert [(problem.path, problem.message) for problem in draft.problems] == [
        ("episodes", 'input should be a valid array, got "none"'),
        ("predictors[1].id", f"string should match pattern '{ID_PATTERN}', got \"b o b\""),
        ("predictors[1].name", 'string should have at least 1 character, got ""'),
        ("predictions[0].stated_probability", "input should be less than 1, got 1.0"),
        (
            "predictions[0].status",
            "input should be 'OPEN', 'RESOLVED_TRUE', 'RESOLVED_FALSE' or 'ANNULLED', got \"MAYBE\"",
        ),
        ("predictions[2].mood", 'extra inputs are not permitted, got "good"'),
        ("predictions[3].id", "field required, got nothing"),
        ("predictions[4]", "input should be an object, got null"),
        ("evidence[0].contributions[1].llr", 'input should be a valid number, got "much"'),
        ("milestone", "extra inputs are not permitted, got []"),
    ]
    with pytest.raises(BundleError, match="the bundle has 10 problems, nothing was imported") as refused:
        parse_bundle(
            text(predictors=[{"id": f" {number}", "name": "x"} for number in range(10)]),
        )
    assert len(refused.value.problems) == 10


def test_a_draft_keeps_the_rows_that_are_right() -> None:
    """Each with its index in the text, so that later problems name the right place."""
    draft = read_draft(
        text(
            predictions=[prediction(id="A"), prediction(id="B", stated_probability=7), prediction(id="C")],
            tickers=[{"symbol": "nvda"}, {"symbol": "NVDA"}],
            domains=None,
        )
    )

    assert [(index, row_id(row)) for index, row in draft.rows["predictions"]] == [(0, "A"), (2, "C")]
    assert [(index, row_id(row)) for index, row in draft.rows["tickers"]] == [(1, "NVDA")]
    assert set(draft.rows) == set(LISTS)


def test_a_draft_knows_the_names_of_wrong_rows_too() -> None:
    """A reference to one is not reported a second time."""
    draft = read_draft(
        text(predictions=[prediction(id="A"), prediction(id="B", stated_probability=7)], tickers=[{"symbol": "n v"}])
    )

    assert draft.named["predictions"] == {"A", "B"}
    assert draft.named["tickers"] == {"n v"}
    assert draft.named["killers"] == frozenset()


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("", "expected JSON, got other text: Expecting value at line 1, column 1"),
        ("{", "expected JSON, got other text: Expecting property name"),
        (
            "\ufeff{}",
            "expected JSON, got other text: a byte order mark (U+FEFF), which JSON does not have, at line 1, column 1",
        ),
        ("foregraph", "expected JSON, got other text: "),
        (b"\xff\xfe", "expected JSON, got other text: "),
        ('{"format": "\\ud800"}', "expected JSON, got other text: "),
        ("[" * 10_000, "expected JSON, got other text: it is nested too deep"),
        ("[]", "expected a JSON object, got list"),
        ("null", "expected a JSON object, got NoneType"),
        ('"x"', "expected a JSON object, got str"),
    ],
)
def test_a_text_that_is_no_object_is_one_problem(given_: str | bytes, expected: str) -> None:
    """There are no rows to look at."""
    with pytest.raises(BundleError) as refused:
        read_draft(given_)

    (problem,) = refused.value.problems
    assert problem.path == "bundle"
    assert problem.message.startswith(expected)


@pytest.mark.parametrize("given_", ["{}", '{"format": "foregraph-bundle/2"}', '{"format": null}'])
def test_a_bundle_says_which_format_it_has(given_: str) -> None:
    """Another one would be read by guesswork."""
    assert only_problem(given_).path == "format"


def test_an_id_is_used_once_in_its_list() -> None:
    """Both places are named; the same id in another list is another row's."""
    found = problems(
        text(
            tickers=[{"symbol": "A"}, {"symbol": "B"}, {"symbol": "A"}],
            domains=[{"id": "A"}],
            influences=[{"kind": "KILLS", "parent_id": "A", "child_id": "B"}] * 2,
            document_links=[{"document_id": "d", "claim_id": "c"}] * 2,
        )
    )

    assert found == [
        Problem("tickers[2]", "tickers[0] already has the id 'A'; choose another id, or remove one of them"),
        Problem(
            "influences[1]", "influences[0] already has the id 'KILLS|A|B'; choose another id, or remove one of them"
        ),
        Problem(
            "document_links[1]", "document_links[0] already has the id 'd|c'; choose another id, or remove one of them"
        ),
    ]


def test_predictions_scenarios_and_killers_share_their_ids() -> None:
    """All of them are claims."""
    found = problems(
        text(predictions=[prediction()], scenarios=[prediction()], killers=[prediction(id="Q"), prediction()])
    )

    assert [problem.path for problem in found] == ["scenarios[0]", "killers[1]"]
    assert all("predictions[0] already has the id 'P'" in problem.message for problem in found)


def test_a_wrong_list_is_left_out_and_the_others_are_read() -> None:
    """Whatever stands where rows should be."""
    draft = read_draft(text(domains=3, tickers=[{"symbol": "A"}, 7], killers={"id": "K"}))

    assert {problem.path for problem in draft.problems} == {"domains", "killers", "tickers[1]"}
    assert [(index, row_id(row)) for index, row in draft.rows["tickers"]] == [(0, "A")]
    assert draft.rows["domains"] == draft.rows["killers"] == ()


def test_a_parsed_bundle_is_the_draft_without_its_indices() -> None:
    """As bytes too."""
    given = text(tickers=[{"symbol": "A"}, {"symbol": "B"}], predictions=[prediction()])

    for bundle in (parse_bundle(given), parse_bundle(given.encode())):
        assert {name: rows for name, rows in bundle.rows().items() if rows} == {
            name: tuple(row for _, row in rows) for name, rows in read_draft(given).rows.items() if rows
        }


def test_slices_make_no_difference() -> None:
    """Rows and problems on both sides of a slice's end have the indices of the whole list."""
    listed = [prediction(id=f"P_{n}") for n in range(2 * SLICE_ROWS + 1)]
    wrong = (0, SLICE_ROWS - 1, SLICE_ROWS, 2 * SLICE_ROWS)
    for index in wrong:
        listed[index]["stated_probability"] = 7

    draft = read_draft(text(predictions=listed))

    assert [problem.path for problem in draft.problems] == [f"predictions[{n}].stated_probability" for n in wrong]
    assert [(n, row_id(row)) for n, row in draft.rows["predictions"]] == [
        (n, f"P_{n}") for n in range(2 * SLICE_ROWS + 1) if n not in wrong
    ]
    assert len(draft.named["predictions"]) == 2 * SLICE_ROWS + 1


def test_after_a_thousand_problems_no_more_are_looked_for() -> None:
    """A bundle that is wrong throughout would be described at length, and for long."""
    with pytest.raises(BundleError) as refused:
        read_draft(text(predictions=[{"x": 1}] * 100_000))

    *first, last = refused.value.problems
    assert len(first) == MOST_PROBLEMS
    assert first[0].path == "predictions[0].id"
    assert last == Problem("bundle", "these are the first 1000 problems; correct them to see the others")
