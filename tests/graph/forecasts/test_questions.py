"""Files of predictions: what their lines and questions become, their faults, and what an import writes."""

import json
from typing import Any

import pytest

from graph.database.sessions import Database
from graph.errors import BundleError, InvalidError
from graph.forecasts.files import predictor_id, question_id
from graph.forecasts.importing import import_predictions
from graph.forecasts.questions import read_predictions
from graph.model.rows import Prediction, Predictor
from tests.helpers.database import empty
from tests.helpers.graph_dump import ask

QUESTION = {
    "title": "Total risk by 2120",
    "url": "https://example.org/risks",
    "platform": "Estimates",
    "moreoriginsdata": {"author": "Ann (~2020)"},
    "description": "Of any cause.",
    "options": [
        {"name": "Yes", "probability": 0.17, "type": "PROBABILITY"},
        {"name": "No", "probability": 0.83, "type": "PROBABILITY"},
    ],
    "qualityindicators": {"stars": 2},
}


def predictions(text: str) -> list[Prediction]:
    """Read a file that must have no faults."""
    draft = read_predictions(text).draft
    assert draft.problems == ()
    return [row for _, row in draft.rows["predictions"] if isinstance(row, Prediction)]


def faults(text: str) -> list[str]:
    return [str(problem) for problem in read_predictions(text).draft.problems]


def questions(*changes: dict[str, Any]) -> str:
    return json.dumps([QUESTION | change for change in changes])


def test_a_line_becomes_a_prediction_and_its_maker() -> None:
    """Properties stand in columns of their names or of shorter ones; a column that means nothing is named."""
    file = read_predictions(
        "Question;Probability;Predictor;Open;Close;Outcome;colour;key_catalyst\n"
        "It rains;17%;Ann;2030-01-01;2031-01-01;yes;red;clouds\n\n"
    )
    ((at, prediction),) = file.draft.rows["predictions"]
    ((_, predictor),) = file.draft.rows["predictors"]

    assert (file.draft.problems, file.ignored, at) == ((), ("colour",), 2)
    assert isinstance(prediction, Prediction)
    assert (prediction.id, prediction.title) == (question_id("It rains"), "It rains")
    assert (prediction.stated_probability, prediction.key_catalyst) == (0.17, "clouds")
    assert (str(prediction.window_start), str(prediction.window_end)) == (
        "2030-01-01 00:00:00+00:00",
        "2031-01-01 00:00:00+00:00",
    )
    assert (prediction.status.value, prediction.resolved_at) == ("RESOLVED_TRUE", prediction.window_end)
    assert isinstance(predictor, Predictor)
    assert (predictor.id, predictor.name) == (prediction.predictor_id, "Ann")


def test_a_prediction_that_only_closes_has_a_deadline() -> None:
    """An id of the file stays; without a probability the prediction has none."""
    (row,) = predictions("id,title,close,mode,from_year\nP_1,It snows,2030-06-01T12:00:00+02:00,forecast,2029\n")

    assert (row.id, str(row.deadline), row.window_end) == ("P_1", "2030-06-01 10:00:00+00:00", None)
    assert (row.stated_probability, row.predictor_id, row.from_year) == (None, None, 2029)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (",.5,,", "line 2, title: expected text, got nothing"),
        ("a,1.5,,", "line 2, stated_probability: input should be less than 1, got"),
        ("a,100%,,", "line 2, stated_probability: input should be less than 1, got"),
        ("a,x%,,", 'line 2, probability: expected a number such as 1234.5, got "x"'),
        ("a,.5,soon,", "line 2, close: expected an RFC 3339 moment"),
        ("a,.5,,perhaps", "line 2, outcome: expected true, false, annulled or nothing"),
        ("a,.5,,true", "line 2, resolved_at: expected"),
        ("a,.5,", "line 2: expected 4 values, got 3"),
    ],
)
def test_faults_are_told_by_line(line: str, fault: str) -> None:
    """Each names the line, the column and what was expected."""
    (found,) = faults(f"title,probability,close,outcome\n{line}\n")

    assert found.startswith(fault)


def test_all_faults_are_told_at_once() -> None:
    """Also that a prediction comes twice."""
    found = faults("title,probability\na,2\nb,.5\nb,.6\n")

    assert [fault.partition(":")[0] for fault in found] == ["line 2, stated_probability", "line 4"]


def test_a_table_without_titles_is_refused() -> None:
    """It says what its columns are."""
    with pytest.raises(InvalidError, match='expected a column title, got "claim, probability"'):
        read_predictions("claim,probability\na,.5\n")


def test_a_question_of_metaforecast_becomes_a_prediction() -> None:
    """Its author is the maker; what has no property is kept."""
    (row,) = predictions(questions({}))

    assert (row.title, row.text, row.stated_probability) == ("Total risk by 2120", "Of any cause.", 0.17)
    assert (row.source_url, row.predictor_id) == ("https://example.org/risks", predictor_id("Ann (~2020)"))
    assert row.raw_metadata == {
        "moreoriginsdata": {"author": "Ann (~2020)"},
        "qualityindicators": {"stars": 2},
        "platform": "Estimates",
    }


def test_other_options_become_a_prediction_each() -> None:
    """Without an author the platform is the maker; an address that is none is kept as it was."""
    options = [{"name": "Red", "probability": 0.25}, {"name": "Blue", "probability": 0.75}]
    red, blue = predictions(questions({"options": options, "moreoriginsdata": None, "url": "see page 3"}))

    assert [(row.title, row.stated_probability) for row in (red, blue)] == [
        ("Total risk by 2120: Red", 0.25),
        ("Total risk by 2120: Blue", 0.75),
    ]
    assert red.id != blue.id
    assert red.predictor_id == predictor_id("Estimates")
    assert (red.source_url, red.raw_metadata["url"]) == (None, "see page 3")  # type: ignore[call-overload, index]


def test_questions_of_two_authors_are_two_predictions() -> None:
    """The same words by others are another prediction; the same question again is a fault."""
    assert len({row.id for row in predictions(questions({}, {"moreoriginsdata": {"author": "Bob"}}))}) == 2
    assert faults(questions({}, {})) == ["question 2: expected each prediction once, got that of question 1 again"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"title": None}, "question 1, title: expected text, got null"),
        ({"title": 3}, "question 1, title: expected text, got 3"),
        ({"options": []}, "question 1, options: expected options with a name and a probability each, got []"),
        ({"options": [{"name": "Yes"}]}, "question 1, options[0]: expected a probability, got null"),
        ({"options": [{"name": "Yes", "probability": True}]}, "question 1, options[0]: expected a probability"),
        ({"options": [{"probability": 0.5}]}, "question 1, options[0]: expected an option with a name"),
        ({"options": [{"name": "Yes", "probability": 1}]}, "question 1, stated_probability: input should be"),
    ],
)
def test_faults_are_told_by_question(change: dict[str, Any], fault: str) -> None:
    """Each names the question and the value."""
    assert faults(questions(change))[0].startswith(fault)


def test_json_that_is_no_list_of_questions_is_refused() -> None:
    """Each with its place."""
    with pytest.raises(InvalidError, match="expected a list of questions"):
        read_predictions("{}")
    with pytest.raises(BundleError, match="line 1"):
        read_predictions('[{"title": NaN}]')
    assert faults("[1]") == ["question 1: expected an object, got 1"]


@pytest.mark.statements
@pytest.mark.one_release
async def test_an_import_writes_them_once(migrated_database: Database) -> None:
    """A second import changes nothing; a dry run and a faulty file write nothing."""
    await empty(migrated_database)
    text = "title,probability,predictor\nIt rains,.3,Ann\nIt snows,.4,Ann\n"
    stored = "MATCH (n:Predictor)-[:MADE]->(p:Prediction) RETURN n.name, p.title, p.stated_probability ORDER BY p.title"

    dry, _ = await import_predictions(migrated_database, text, is_dry_run=True)
    assert await ask(migrated_database, stored) == []
    with pytest.raises(BundleError, match="the file has 1 problem, nothing was imported"):
        await import_predictions(migrated_database, text + "It hails,7,Bob\n")
    first, ignored = await import_predictions(migrated_database, text)
    again, _ = await import_predictions(migrated_database, text)

    assert await ask(migrated_database, stored) == [["Ann", "It rains", 0.3], ["Ann", "It snows", 0.4]]
    assert (dry.num_changed(), first.num_changed(), again.num_changed(), ignored) == (3, 3, 0, ())
    await empty(migrated_database)
