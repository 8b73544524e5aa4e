"""Values of a saved query's parameters: checked, and converted to the driver's."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeVar

from graph.adhoc.values import LEAST_INTEGER, MOST_INTEGER
from graph.errors import InvalidError, RefusedError, refuse
from graph.model.kinds import ParameterType
from graph.model.moments import A_DAY, A_MOMENT, read_day, read_moment
from graph.model.shown import shown_value
from graph.saved.queries import Parameter

MOST_TEXT: Final = 10_000
"""Characters of a text."""
MOST_ITEMS: Final = 1_000
MOST_ITEM: Final = 1_000
"""Characters of a text in a list."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_NUMBER: Final = re.compile(
    r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?", re.ASCII
)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")

EXPECTED: Final[Mapping[ParameterType, str]] = {
    ParameterType.STRING: f"a text of at most {MOST_TEXT:,} characters",
    ParameterType.INTEGER: "a whole number of 64 bits",
    ParameterType.FLOAT: "a finite number",
    ParameterType.BOOLEAN: "true or false",
    ParameterType.DATE: A_DAY,
    ParameterType.DATE_TIME: A_MOMENT,
    ParameterType.STRING_LIST: f"a list of at most {MOST_ITEMS:,} texts, each of at most {MOST_ITEM:,} characters",
}
"""What a value of each type is, in words."""


T = TypeVar("T")


class _WrongError(ValueError):
    """A value is not of its parameter's type."""


def read_values(parameters: Sequence[Parameter], given: Mapping[str, Any], query_name: str) -> dict[str, Any]:
    """
    Check and convert the values of a query's parameters, and fill in defaults.

    Args:
        parameters: The query's parameters.
        given: Values by name: JSON, or texts as they stand in an address or a form, whose lists have an item a line.
            Null stands for a value that is not given.
        query_name: The query's name, for errors.

    Raises:
        InvalidError: A value is missing, wrong, or of no parameter.
        RefusedItemsError: Several of these.
    """
    faults: list[RefusedError] = []
    known = {parameter.name for parameter in parameters}
    for name in given:
        if name not in known:
            told = ", ".join(sorted(known)) or "none"
            faults.append(
                _fault(f"the query {query_name!r} has no parameter {name[:80]!r}; its parameters are: {told}")
            )
    values: dict[str, Any] = {}
    for parameter in parameters:
        try:
            values[parameter.name] = _read_one(parameter, given.get(parameter.name))
        except InvalidError as error:
            faults.append(error)
    refuse(faults)
    return values


def read_default(parameter: Parameter, path: str) -> Any:
    """
    Check a parameter's default; returns it in the form in which it is kept, as JSON.

    Raises:
        InvalidError: It is not of the parameter's type.
    """
    if parameter.default is None:
        return None
    try:
        value = _READERS[parameter.type](parameter.default)
    except _WrongError as error:
        raise _wrong("the default of the parameter", parameter, parameter.default, error, path) from error
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, date | datetime) else value


def sample_values(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Values to judge a statement with before anybody runs it: defaults, and small ones where there are none."""
    return {
        parameter.name: _SAMPLES[parameter.type]
        if parameter.default is None
        else _READERS[parameter.type](parameter.default)
        for parameter in parameters
    }


def _read_one(parameter: Parameter, given: Any) -> Any:
    value = parameter.default if given is None else given
    if value is None:
        if parameter.is_required:
            expected = EXPECTED[parameter.type]
            raise _fault(
                f"the parameter {parameter.name!r} ({parameter.type}) is required: expected {expected}, got nothing"
            )
        return None
    try:
        return _READERS[parameter.type](value)
    except _WrongError as error:
        raise _wrong("the parameter", parameter, value, error, "parameters") from error


def _wrong(what: str, parameter: Parameter, value: Any, error: _WrongError, path: str) -> InvalidError:
    reason = f": {error}" if str(error) else ""
    shown = shown_value(value).encode(errors="backslashreplace").decode()
    message = f"{what} {parameter.name!r} ({parameter.type}) expects {EXPECTED[parameter.type]}, got {shown}{reason}"
    return InvalidError(message, path=path)


def _fault(message: str) -> InvalidError:
    # The parameter's name is in the message: in a path it would be translated as if it were the schema's.
    return InvalidError(message, path="parameters")


def _read_string(value: Any, most: int = MOST_TEXT) -> str:
    if not isinstance(value, str):
        raise _WrongError
    if len(value) > most:
        message = f"it has {len(value):,} characters"
        raise _WrongError(message)
    if any("\ud800" <= character <= "\udfff" for character in value):
        message = "it has half of a pair of surrogates, which is no character"
        raise _WrongError(message)
    return value


def _read_integer(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if type(value) is not int or not LEAST_INTEGER <= value <= MOST_INTEGER:
        raise _WrongError
    return value


def _read_float(value: Any) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if type(value) not in (int, float):
        raise _WrongError
    try:
        number = float(value)
    except OverflowError:
        raise _WrongError from None
    if not math.isfinite(number):
        raise _WrongError
    return number


def _read_boolean(value: Any) -> bool:
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.strip().lower())
    if not isinstance(value, bool):
        raise _WrongError
    return value


def _read_date(value: Any) -> date:
    return _read_by(read_day, value)


def _read_date_time(value: Any) -> datetime:
    return _read_by(read_moment, value)


def _read_by(read: Callable[[str], T], value: Any) -> T:
    if not isinstance(value, str):
        raise _WrongError
    try:
        return read(value.strip())
    except ValueError as error:
        raise _WrongError from error


def _read_string_list(value: Any) -> list[str]:
    items = _LINE_END.split(value) if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or len(items) > MOST_ITEMS:
        raise _WrongError
    return [_read_string(item, MOST_ITEM) for item in items]


_READERS: Final[Mapping[ParameterType, Callable[[Any], Any]]] = {
    ParameterType.STRING: _read_string,
    ParameterType.INTEGER: _read_integer,
    ParameterType.FLOAT: _read_float,
    ParameterType.BOOLEAN: _read_boolean,
    ParameterType.DATE: _read_date,
    ParameterType.DATE_TIME: _read_date_time,
    ParameterType.STRING_LIST: _read_string_list,
}
_SAMPLES: Final[Mapping[ParameterType, Any]] = {
    ParameterType.STRING: "a",
    ParameterType.INTEGER: 1,
    ParameterType.FLOAT: 0.5,
    ParameterType.BOOLEAN: True,
    ParameterType.DATE: date(2026, 1, 1),
    ParameterType.DATE_TIME: read_moment("2026-01-01T00:00:00Z"),
    ParameterType.STRING_LIST: ["a"],
}
