"""
Files of predictions that people bring: a table of comma-separated values, or questions of Metaforecast as JSON.

A table has a line for each prediction. Its columns are properties of predictions by their names in a bundle, some of
which have shorter names too, and `predictor`, the name of whoever made it. A prediction without an id has one that
follows from its title, so that a file can be imported again. One that only closes has a deadline, and an outcome
without a moment came at the close.

A question of Metaforecast becomes a prediction with the probability of its option Yes; one with other options becomes
one prediction for each of them. Its maker is the author in its origin's data, or else the platform. Values without a
property are kept in the raw metadata, and so is an address that is none.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from graph.bundles.drafts import Draft
from graph.errors import BundleError, InvalidError, Problem
from graph.forecasts.files import predictor_id, question_id, read_moment_or_none, read_outcome
from graph.model.addresses import check_address
from graph.model.bundle import LISTS
from graph.model.csv_lines import MOST_PROBLEMS, Cells, CsvText, read_cells, read_number
from graph.model.json_texts import JsonError, read_json
from graph.model.kinds import ClaimStatus, PredictionMode
from graph.model.problems import describe_problem, property_of
from graph.model.rows import Prediction, Predictor, Row
from graph.model.shown import shown_value
from graph.model.subjects import row_id

_OTHER_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "title": ("question",),
    "stated_probability": ("probability",),
    "window_start": ("open", "opens"),
    "window_end": ("close", "closes"),
    "domain_id": ("domain",),
    "source_url": ("url",),
    "status": ("outcome",),
}
_MAKER: Final = "predictor"
_NOT_IN_TABLES: Final = frozenset({"raw_metadata", "raw_metadata_is_complete", "is_early", "imported_on"})
_PERCENTAGE: Final = re.compile(r"([^%]*[^%\s])\s*%")

QUESTION_KEYS: Final = ("id", "title", "url", "platform", "description", "options")
"""The values of a question of Metaforecast that become properties; all others are kept in its raw metadata."""

Report = Callable[[str, str], None]
"""Notes a problem: the place in a line or question, and the message."""


@dataclass(frozen=True, slots=True)
class PredictionsFile:
    """
    Predictions as read from a file.

    Attributes:
        draft: Their rows and those of their makers, with the problems of each.
        ignored: Columns that were passed over.
    """

    draft: Draft
    ignored: tuple[str, ...]


def read_predictions(text: str) -> PredictionsFile:
    """
    Read a file of predictions: JSON if it begins with a bracket, else a table.

    Raises:
        InvalidError: The table has no column of titles, or the JSON is no list.
        BundleError: The text is not JSON; the error lists each place.
    """
    return _read_questions(text) if text.lstrip()[:1] in {"[", "{"} else _read_table(text)


@dataclass(slots=True)
class _Rows:
    """
    Rows of predictions and of their makers, each with the number of its line or question.

    Attributes:
        what: What is numbered, such as `line`.
        problems: The problems found.
    """

    what: str
    problems: list[Problem] = field(default_factory=list)
    _rows: dict[str, dict[str, tuple[int, Row]]] = field(default_factory=lambda: {"predictors": {}, "predictions": {}})

    def report(self, number: int, place: str, message: str) -> None:
        """Note a problem."""
        path = f"{self.what} {number}"
        self.problems.append(Problem(f"{path}, {place}" if place else path, message))

    def add(self, number: int, maker: Mapping[str, Any] | None, values: Mapping[str, Any]) -> None:
        """Add a prediction, and its maker where it names one."""
        if maker is not None:
            self._add_row("predictors", Predictor, number, {"id": predictor_id(maker["name"]), **maker})
            values = {**values, "predictor_id": predictor_id(maker["name"])}
        before = self._rows["predictions"].get(values["id"])
        if before is not None:
            self.report(number, "", f"expected each prediction once, got that of {self.what} {before[0]} again")
            return
        self._add_row("predictions", Prediction, number, {"mode": PredictionMode.FORECAST, **values})

    def _add_row(self, name: str, kind: type[Row], number: int, values: Mapping[str, Any]) -> None:
        try:
            row = kind.model_validate(values)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self.report(number, property_of(detail), describe_problem(detail).message)
        else:
            self._rows[name].setdefault(row_id(row), (number, row))

    def draft(self) -> Draft:
        """Return all as a draft."""
        given = {name: tuple(self._rows.get(name, {}).values()) for name in LISTS}
        named = {name: frozenset(self._rows.get(name, ())) for name in LISTS}
        return Draft(given, named, tuple(self.problems[:MOST_PROBLEMS]))


def _read_table(text: str) -> PredictionsFile:
    table = CsvText.open(text)
    columns = table.name_columns(_NAMES)
    if "title" not in columns:
        raise InvalidError(f"expected a column title, got {shown_value(', '.join(table.columns))}", path="line 1")
    readers = {column: _reader(name) for name, column in columns.items()}
    rows = _Rows("line")
    for number, cells in table.lines(rows.problems):
        _add_line(rows, number, cells, columns, readers)
    return PredictionsFile(rows.draft(), tuple(name for name in table.columns if name not in readers))


def _add_line(
    rows: _Rows, number: int, cells: Cells, columns: Mapping[str, str], readers: Mapping[str, Callable[[str], Any]]
) -> None:
    found = read_cells(number, cells, readers, rows.problems)
    if found is None:
        return
    values = {name: found[column] for name, column in columns.items() if found[column] is not None}
    if "title" not in values:
        rows.report(number, columns["title"], "expected text, got nothing")
        return
    values.setdefault("id", question_id(values["title"]))
    if "window_start" not in values and "window_end" in values:
        values.setdefault("deadline", values.pop("window_end"))
    if values.get("status", ClaimStatus.OPEN) is not ClaimStatus.OPEN and "resolved_at" not in values:
        values["resolved_at"] = values.get("window_end") or values.get("deadline")
    maker = values.pop(_MAKER, None)
    rows.add(number, None if maker is None else {"name": maker}, values)


def _read_text(text: str) -> str | None:
    return text or None


def _read_probability(text: str) -> float | None:
    """Read a probability, 0.17 or 17%."""
    percentage = _PERCENTAGE.fullmatch(text)
    if percentage is not None:
        return read_number(percentage[1]) / 100.0
    return read_number(text) if text else None


def _read_mode(text: str) -> str | None:
    return text.upper() or None


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "stated_probability": _read_probability,
    "mode": _read_mode,
    "status": read_outcome,
    **dict.fromkeys(("window_start", "window_end", "deadline", "resolved_at"), read_moment_or_none),
}
_NAMES: Final[Mapping[str, Sequence[str]]] = {
    _MAKER: (_MAKER,),
    **{name: (name, *_OTHER_NAMES.get(name, ())) for name in Prediction.model_fields if name not in _NOT_IN_TABLES},
}


def _reader(name: str) -> Callable[[str], Any]:
    return _READERS.get(name, _read_text)


def _read_questions(text: str) -> PredictionsFile:
    try:
        questions = read_json(text)
    except JsonError as error:
        raise BundleError(
            [Problem(fault.path or "the file", str(fault)) for fault in error.faults], what="the file"
        ) from None
    if not isinstance(questions, list):
        raise InvalidError(f"expected a list of questions, got {shown_value(questions)}", path="the file")
    rows = _Rows("question")
    for number, question in enumerate(questions, 1):
        _add_question(rows, number, question)
    return PredictionsFile(rows.draft(), ())


def _add_question(rows: _Rows, number: int, question: Any) -> None:
    def report(place: str, message: str) -> None:
        rows.report(number, place, message)

    if not isinstance(question, dict):
        report("", f"expected an object, got {shown_value(question)}")
        return
    texts = {name: _text(question, name, report) for name in QUESTION_KEYS if name != "options"}
    title = texts["title"]
    options = list(_options(question.get("options"), report))
    if title is None:
        report("title", f"expected text, got {shown_value(question.get('title'))}")
    if title is None or not options:
        return
    platform = texts["platform"]
    author = _author(question) or platform
    address = _address(texts["url"])
    kept = {name: value for name, value in question.items() if name not in QUESTION_KEYS} | {"platform": platform}
    key = texts["id"] or "\n".join(part or "" for part in (platform, texts["url"], title, author))
    yes = [probability for name, probability in options if name.lower() == "yes"]
    stated = [("", yes[0])] if yes else [(name, probability) for name, probability in options]
    for name, probability in stated:
        values = {
            "id": question_id("\n".join(filter(None, (key, name)))),
            "title": f"{title}: {name}" if name else title,
            "text": texts["description"],
            "stated_probability": probability,
            "source_url": address,
            "raw_metadata": kept if address else kept | {"url": texts["url"]},
        }
        maker = None if author is None else {"name": author, "source": platform}
        rows.add(number, maker, {name: value for name, value in values.items() if value is not None})


def _text(question: Mapping[str, Any], name: str, report: Report) -> str | None:
    value = question.get(name)
    if value is not None and not isinstance(value, str):
        report(name, f"expected text, got {shown_value(value)}")
        return None
    return (value or "").strip() or None


def _address(text: str | None) -> str | None:
    try:
        return text and check_address(text)
    except ValueError:
        return None


def _author(question: Mapping[str, Any]) -> str | None:
    data = question.get("moreoriginsdata")
    author = data.get("author") if isinstance(data, dict) else None
    return author.strip() or None if isinstance(author, str) else None


def _options(given: Any, report: Report) -> Iterator[tuple[str, float]]:
    """Yield the name and probability of each option that has both."""
    if not isinstance(given, list) or not given:
        report("options", f"expected options with a name and a probability each, got {shown_value(given)}")
        return
    for at, option in enumerate(given):
        name, probability = (
            (option.get("name"), option.get("probability")) if isinstance(option, dict) else (None, None)
        )
        if not isinstance(name, str) or not name.strip():
            report(f"options[{at}]", f"expected an option with a name, got {shown_value(option)}")
        elif isinstance(probability, bool) or not isinstance(probability, int | float):
            report(f"options[{at}]", f"expected a probability, got {shown_value(probability)}")
        else:
            yield name.strip(), float(probability)
