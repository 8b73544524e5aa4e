"""
Files of forecasts: a table of comma-separated values with a row for each forecast, checked as a whole.

Its columns are question, predictor, probability, stated_at, open, close, outcome and resolved_at. Questions become
predictions, and whoever is named becomes a predictor; their ids follow from the words, so that a file can be imported
again. A file is a record kept elsewhere: a forecast counts as recorded when it was stated.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from graph.bundles.drafts import Draft
from graph.errors import InvalidError, Problem
from graph.model.bundle import LISTS
from graph.model.csv_lines import MOST_PROBLEMS, Cells, CsvText, read_cells
from graph.model.kinds import ClaimStatus, PredictionMode
from graph.model.moments import read_bound
from graph.model.problems import describe_problem
from graph.model.rows import Forecast, Prediction, Predictor, Row
from graph.model.shown import shown_value
from graph.model.subjects import row_id

COLUMNS: Final = ("question", "predictor", "probability", "stated_at", "open", "close", "outcome", "resolved_at")

MOST_CHARACTERS: Final = 2_000
"""Longest title of a prediction; a longer question stands in its text as a whole."""

LEAST_STATED: Final = 0.001
"""Stated probabilities of predictions are strictly between 0 and 1; the forecasts themselves stay as they are."""

_OUTCOMES: Final[Mapping[str, ClaimStatus]] = {
    "": ClaimStatus.OPEN,
    **dict.fromkeys(("true", "yes", "1"), ClaimStatus.RESOLVED_TRUE),
    **dict.fromkeys(("false", "no", "0"), ClaimStatus.RESOLVED_FALSE),
    "annulled": ClaimStatus.ANNULLED,
}


@dataclass(frozen=True, slots=True)
class _Question:
    """The values of a question that all its rows share."""

    opens_at: datetime | None
    closes_at: datetime | None
    status: ClaimStatus
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the file as read."""

    number: int
    question: str
    predictor: str
    probability: float
    stated_at: datetime
    about: _Question

    @property
    def opens_at(self) -> datetime:
        """Start of the question's window: its opening, or else the maker's statement, if this is the maker's line."""
        return self.about.opens_at or self.stated_at


def read_forecasts(text: str) -> Draft:
    """
    Read a file's forecasts as rows of a bundle, with the problems of each line.

    Args:
        text: The file.

    Raises:
        InvalidError: Its first line has other columns.
    """
    table = CsvText.open(text)
    if sorted(table.columns) != sorted(COLUMNS):
        message = f"expected the columns {', '.join(COLUMNS)}, got {shown_value(', '.join(table.columns))}"
        raise InvalidError(message, path="line 1")
    problems: list[Problem] = []
    lines: list[_Line] = []
    for number, cells in table.lines(problems):
        lines += _read_line(number, cells, problems)
    problems += _contradictions(lines)
    rows, faults = _rows(lines)
    given = {name: tuple(rows.get(name, ())) for name in LISTS}
    named = {name: frozenset(row_id(row) for _, row in entries) for name, entries in given.items()}
    return Draft(given, named, tuple([*problems, *faults][:MOST_PROBLEMS]))


def _read_line(number: int, cells: Cells, problems: list[Problem]) -> Iterator[_Line]:
    """Yield a row of the file, unless it has problems, which are added to those given."""
    found = read_cells(number, cells, _READERS, problems)
    if found is None:
        return
    status, resolved_at = found["outcome"], found["resolved_at"] or found["close"]
    if status is ClaimStatus.OPEN:
        resolved_at = found["resolved_at"]
    if (status is ClaimStatus.OPEN) != (resolved_at is None):
        message = f"expected a moment exactly with an outcome, got {shown_value(cells['resolved_at'])}"
        problems.append(Problem(f"line {number}, resolved_at", message))
        return
    about = _Question(found["open"], found["close"], status, resolved_at)
    yield _Line(number, found["question"], found["predictor"], found["probability"], found["stated_at"], about)


def _read_words(text: str) -> str:
    if not text:
        raise ValueError("expected text, got nothing")
    return text


def _read_probability(text: str) -> float:
    try:
        probability = float(text)
    except ValueError:
        probability = -1.0
    if not 0.0 <= probability <= 1.0:
        message = f"expected a probability from 0 to 1, got {shown_value(text)}"
        raise ValueError(message)
    return probability


def _read_moment(text: str) -> datetime:
    return read_bound(text).replace(fold=0)


def read_moment_or_none(text: str) -> datetime | None:
    """
    Read a moment, or a day for its first moment; None for nothing.

    Raises:
        ValueError: The text is neither.
    """
    return _read_moment(text) if text else None


def read_outcome(text: str) -> ClaimStatus:
    """
    Read an outcome: true, false, annulled, or nothing for an open question.

    Raises:
        ValueError: The text is none of them.
    """
    if text.lower() not in _OUTCOMES:
        message = f"expected true, false, annulled or nothing, got {shown_value(text)}"
        raise ValueError(message)
    return _OUTCOMES[text.lower()]


_READERS: Final[Mapping[str, Any]] = {
    "question": _read_words,
    "predictor": _read_words,
    "probability": _read_probability,
    "stated_at": _read_moment,
    "open": read_moment_or_none,
    "close": read_moment_or_none,
    "outcome": read_outcome,
    "resolved_at": read_moment_or_none,
}


def _contradictions(lines: Sequence[_Line]) -> Iterator[Problem]:
    """Find lines that say something else of their question than its first line does, and lines that say nothing new."""
    first: dict[str, _Line] = {}
    known: dict[tuple[str, str, datetime], int] = {}
    for line in lines:
        before = first.setdefault(line.question, line)
        if line.about != before.about:
            message = f"expected the same open, close, outcome and resolved_at as in line {before.number}"
            yield Problem(f"line {line.number}", message)
        again = known.setdefault((line.question, line.predictor, line.stated_at), line.number)
        if again != line.number:
            message = f"expected one forecast by a predictor at one moment, got another in line {again}"
            yield Problem(f"line {line.number}, stated_at", message)


def _rows(lines: Sequence[_Line]) -> tuple[dict[str, list[tuple[int, Row]]], list[Problem]]:
    """Make the rows of a bundle, each with the number of its line; a question's maker is who stated first."""
    makers: dict[str, _Line] = {}
    for line in sorted(lines, key=lambda line: line.stated_at):
        makers.setdefault(line.question, line)
    names = dict.fromkeys(line.predictor for line in lines)
    rows: dict[str, list[tuple[int, Row]]] = {"predictors": [], "predictions": [], "forecasts": []}
    problems: list[Problem] = []

    def add(name: str, kind: type[Row], number: int, values: Mapping[str, Any]) -> None:
        try:
            rows[name].append((number, kind.model_validate(values)))
        except ValidationError as error:
            found = [describe_problem(detail) for detail in error.errors(include_url=False)]
            problems.extend(Problem(f"line {number}, {fault.path}", fault.message) for fault in found)

    numbers = {line.predictor: line.number for line in reversed(lines)}
    for predictor in names:
        add("predictors", Predictor, numbers[predictor], {"id": predictor_id(predictor), "name": predictor})
    for line in makers.values():
        opens_at, closes_at = line.opens_at, line.about.closes_at
        if closes_at is not None and closes_at <= opens_at:
            problems.append(
                Problem(f"line {line.number}, close", f"expected a moment after {opens_at}, got {closes_at}")
            )
            continue
        add("predictions", Prediction, line.number, _prediction(line))
    for line in lines:
        add("forecasts", Forecast, line.number, _forecast(line))
    return rows, problems


def _prediction(line: _Line) -> dict[str, Any]:
    about = line.about
    opens_at = line.opens_at if about.closes_at is not None else None
    return {
        "id": question_id(line.question),
        "title": line.question[:MOST_CHARACTERS],
        "text": line.question if len(line.question) > MOST_CHARACTERS else None,
        "stated_probability": min(1.0 - LEAST_STATED, max(LEAST_STATED, line.probability)),
        "predictor_id": predictor_id(line.predictor),
        "mode": PredictionMode.FORECAST,
        "status": about.status,
        "resolved_at": about.resolved_at,
        "is_early": True if opens_at and about.resolved_at and about.resolved_at < opens_at else None,
        "window_start": opens_at,
        "window_end": about.closes_at,
    }


def _forecast(line: _Line) -> dict[str, Any]:
    key = f"{line.question}\n{line.predictor}\n{line.stated_at.isoformat()}"
    return {
        "id": f"forecast:{_digest(key)}",
        "predictor_id": predictor_id(line.predictor),
        "claim_id": question_id(line.question),
        "probability": line.probability,
        "stated_at": line.stated_at,
        "recorded_at": line.stated_at,
    }


def question_id(question: str) -> str:
    """Return the id of the prediction that a question becomes."""
    return f"question:{_digest(question)}"


def predictor_id(name: str) -> str:
    """Return the id of the predictor of a name."""
    return f"forecaster:{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:24]
