"""Types of single values: their ranges and formats, and the form in which errors show a wrong one."""

import json
import re
from datetime import UTC, date, datetime
from typing import Annotated, Any
from unicodedata import category

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    JsonValue,
    StringConstraints,
)

from graph.model.addresses import MAX_ADDRESS_CHARACTERS, check_address
from graph.model.moments import A_MOMENT, FIRST_YEAR, LAST_YEAR, check_year, is_day, read_day, read_moment
from graph.model.shown import shown_value

MAX_TEXT_CHARACTERS = 100_000
MAX_LINE_CHARACTERS = 2_000
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:@#/+-]{0,199}$"
# Longer, since the id of a check-in that an import adds begins with its prediction's.
MILESTONE_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:@#/+-]{0,219}$"

# Of markets: indices (^GSPC), futures (ES=F), currencies (EURUSD=X), classes of shares (BRK.B, BF/B), M&M.NS. Where one
# symbol is traded on several exchanges, the code of one (MIC, ISO 10383) follows a colon.
SYMBOL_PATTERN = r"^[\^.$/@]?[A-Z0-9][A-Z0-9.=&/+^_#-]{0,19}(:[A-Z0-9]{4})?$"

_SYMBOL = re.compile(SYMBOL_PATTERN)
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


_INVISIBLE = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that are drawn as blanks."""


def _with_something_to_see(text: str) -> str:
    if all(_is_blank(character) for character in text):
        message = f"expected text, got only blanks: {shown_value(text)}"
        raise ValueError(message)
    return text


def _is_blank(character: str) -> bool:
    return character.isspace() or character in _INVISIBLE or category(character) == "Cf"


def _without_control_characters(text: str) -> str:
    if found := _CONTROL_CHARACTER.search(text):
        message = f"expected text without control characters, got {found.group()!r} at {found.start()}"
        raise ValueError(message)
    return text


def check_symbol(text: str) -> str:
    """
    Return a ticker's symbol.

    Raises:
        ValueError: It is not written as symbols are.
    """
    if not _SYMBOL.fullmatch(text):
        message = (
            "expected a symbol in capitals such as NVDA, BRK.B or ^GSPC, with the exchange's code (MIC) where it needs "
            f"one, such as BHP:XASX, got {shown_value(text)}"
        )
        raise ValueError(message)
    return text


# Pydantic would read a text of digits alone as seconds since 1970.
def _read_day(value: Any) -> Any:
    return read_day(value) if isinstance(value, str) else value


def _read_moment(value: Any) -> Any:
    if isinstance(value, datetime) and is_day(value):
        raise ValueError(f"expected {A_MOMENT}, got {shown_value(value.date())}, a day")
    return read_moment(value) if isinstance(value, str) else value


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _finite_throughout(value: JsonValue) -> JsonValue:
    """Raise ValueError if a number exceeds a float's range, such as 1e999, which could not be written as JSON again."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError as error:
        message = "expected numbers within the range of a float, got one outside it"
        raise ValueError(message) from error
    return value


def _year_in_range(day: date) -> date:
    check_year(day)
    return day


Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
MilestoneId = Annotated[str, StringConstraints(pattern=MILESTONE_ID_PATTERN)]
# Of an exposure its sign, prediction and ticker.
VersionSubjectId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@#/+$&=^|-]{0,259}$")]
Symbol = Annotated[str, AfterValidator(check_symbol), Field(json_schema_extra={"pattern": SYMBOL_PATTERN})]
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_LINE_CHARACTERS),
    AfterValidator(_without_control_characters),
    AfterValidator(_with_something_to_see),
]
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_TEXT_CHARACTERS),
    AfterValidator(_without_control_characters),
    AfterValidator(_with_something_to_see),
]
Url = Annotated[
    str, AfterValidator(check_address), Field(json_schema_extra={"format": "uri", "maxLength": MAX_ADDRESS_CHARACTERS})
]
Day = Annotated[date, AfterValidator(_year_in_range), BeforeValidator(_read_day)]
# The year is checked before and after the conversion to UTC, which must not leave the calendar.
Moment = Annotated[
    AwareDatetime,
    AfterValidator(_year_in_range),
    AfterValidator(_in_utc),
    AfterValidator(_year_in_range),
    BeforeValidator(_read_moment),
]
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Impact = Annotated[float, Field(ge=-1, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
# A field of the API that is an `Int` has 32 bits. No count of cases comes near that, so a larger one is refused.
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
# Revisions and seeds, which are shown as text; up to where every reader of JSON has whole numbers exactly.
LongCount = Annotated[int, Field(ge=0, le=2**53)]
Days = Annotated[int, Field(ge=0, le=36_525)]
Number = float
# Far above any amount of money, and small enough that sums of many are exact to a millionth.
LARGEST_WEIGHT = 1e15
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
NAME = re.compile(NAME_PATTERN[1:-1], re.ASCII)
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Weight = Annotated[float, Field(ge=-LARGEST_WEIGHT, le=LARGEST_WEIGHT)]
# Far beyond any evidence, and small enough that sums of many stay within the range of a float.
LogRatio = Annotated[float, Field(ge=-1e6, le=1e6)]
Metadata = Annotated[JsonValue, AfterValidator(_finite_throughout)]
