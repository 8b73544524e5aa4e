"""Files of forecasts: what they become, and the faults of their lines."""

import pytest

from graph.errors import InvalidError
from graph.forecasts.files import COLUMNS, predictor_id, question_id, read_forecasts
from graph.model.kinds import ClaimStatus
from graph.model.rows import Forecast, Prediction, Predictor

HEAD = ",".join(COLUMNS)
RAIN = "Will it rain?,ann,0.7,2020-01-05T00:00:00Z,2020-01-01,2020-02-01,true,2020-01-20T12:00:00Z"
AGAIN = "Will it rain?,bob,1,2020-01-03 06:00:00+01:00,2020-01-01,2020-02-01,TRUE,2020-01-20T12:00:00Z"


def faults(*lines: str) -> list[str]:
    return [str(problem) for problem in read_forecasts("\n".join((HEAD, *lines))).problems]


def test_a_file_becomes_predictions_predictors_and_forecasts() -> None:
    """A question's maker is who stated first; a certain forecast stays one, and states .999 of its prediction."""
    draft = read_forecasts(f"{HEAD}\n{RAIN}\n\n{AGAIN}\n")
    ((at, prediction),) = draft.rows["predictions"]
    predictors = [row for _, row in draft.rows["predictors"]]
    forecasts = [row for _, row in draft.rows["forecasts"]]

    assert draft.problems == ()
    assert at == 4
    assert isinstance(prediction, Prediction)
    assert (prediction.id, prediction.title) == (question_id("Will it rain?"), "Will it rain?")
    assert (prediction.predictor_id, prediction.stated_probability) == (predictor_id("bob"), 0.999)
    assert prediction.status is ClaimStatus.RESOLVED_TRUE
    assert str(prediction.window_start) == "2020-01-01 00:00:00+00:00"
    assert [row.name for row in predictors if isinstance(row, Predictor)] == ["ann", "bob"]
    found = [row for row in forecasts if isinstance(row, Forecast)]
    assert [(row.predictor_id, row.claim_id, row.probability) for row in found] == [
        (predictor_id("ann"), prediction.id, 0.7),
        (predictor_id("bob"), prediction.id, 1.0),
    ]
    assert all(row.recorded_at == row.stated_at for row in found)
    assert str(found[1].stated_at) == "2020-01-03 05:00:00+00:00"


def test_open_questions_and_questions_without_a_window_are_read() -> None:
    """An outcome without a moment came at the close; one before the opening is early; a long question is a text."""
    long = "long " * 500
    draft = read_forecasts(
        f"{HEAD}\nq1,a,.5,2020-01-01,,,,\nq2,a,.5,2020-01-01,,2020-03-01,no,\n"
        f"q3,a,.5,2020-01-01,2020-02-01,2020-03-01,annulled,2020-01-15\n{long},a,.5,2020-01-01,,,,\n"
    )
    rows = [row for _, row in draft.rows["predictions"] if isinstance(row, Prediction)]

    assert draft.problems == ()
    assert [row.status.value for row in rows] == ["OPEN", "RESOLVED_FALSE", "ANNULLED", "OPEN"]
    assert [str(row.window_start)[:10] for row in rows] == ["None", "2020-01-01", "2020-02-01", "None"]
    assert (str(rows[1].resolved_at)[:10], rows[1].is_early, rows[2].is_early) == ("2020-03-01", None, True)
    assert (len(rows[3].title), rows[3].text) == (2_000, long.strip())


def test_columns_may_stand_in_any_order_and_no_other_ones() -> None:
    """A wrong table is told what it should have been."""
    turned = ",".join(reversed(COLUMNS))
    assert read_forecasts(turned).problems == ()
    with pytest.raises(InvalidError, match=r'expected the columns question, predictor, .*, got "a, b"'):
        read_forecasts("a,b\n1,2\n")
    with pytest.raises(InvalidError, match="expected the columns"):
        read_forecasts("")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("q,a,70%,2020-01-01,,,,", 'line 2, probability: expected a probability from 0 to 1, got "70%"'),
        ("q,a,1.2,2020-01-01,,,,", 'line 2, probability: expected a probability from 0 to 1, got "1.2"'),
        ("q,a,nan,2020-01-01,,,,", 'line 2, probability: expected a probability from 0 to 1, got "nan"'),
        (",a,.5,2020-01-01,,,,", "line 2, question: expected text, got nothing"),
        ("q,,.5,2020-01-01,,,,", "line 2, predictor: expected text, got nothing"),
        ("q,a,.5,soon,,,,", "line 2, stated_at: expected an RFC 3339 moment"),
        ("q,a,.5,2020-01-01,,,maybe,", 'line 2, outcome: expected true, false, annulled or nothing, got "maybe"'),
        ("q,a,.5,2020-01-01,,,true,", "line 2, resolved_at: expected a moment exactly with an outcome"),
        ("q,a,.5,2020-01-01,,,,2020-02-01", "line 2, resolved_at: expected a moment exactly with an outcome"),
        ("q,a,.5", "line 2: expected 8 values, got 3"),
        ("q,a,.5,2020-01-01,2020-03-01,2020-02-01,,", "line 2, close: expected a moment after 2020-03-01"),
    ],
)
def test_each_fault_names_its_line(line: str, fault: str) -> None:
    """And its column, what was expected, and what came."""
    assert [found.startswith(fault) for found in faults(line)] == [True]


def test_lines_that_contradict_each_other_are_found() -> None:
    """Another outcome of one question, and two forecasts by one predictor at once."""
    assert faults(RAIN, AGAIN.replace("TRUE", "false"), RAIN.replace("0.7", "0.8")) == [
        "line 3: expected the same open, close, outcome and resolved_at as in line 2",
        "line 4, stated_at: expected one forecast by a predictor at one moment, got another in line 2",
    ]


def test_all_faults_are_listed_at_once() -> None:
    """So that a file is mended in one go."""
    assert len(faults("q,a,7,soon,,,maybe,", "q,a,.5", RAIN)) == 4
