"""
JSON texts, read strictly: one reader for bundles and for requests.

Python's reader keeps the last of two equal keys, takes NaN and Infinity, and makes 1e999 infinite. Here each is a fault
with its path and its place, since a value that was sent would be lost or could not be written again.
"""

import json
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NoReturn

from graph.model.shown import shown_value

MOST_FAULTS: Final = 1_000
"""Faults after which no more are looked for."""

_MARK: Final = "\ufeff"
_MARK_FOUND: Final = "a byte order mark (U+FEFF), which JSON does not have,"
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)
_INTEGER: Final = re.compile(r"-?\d+")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_CONSTANTS: Final = frozenset({"NaN", "Infinity", "-Infinity"})


@dataclass(frozen=True, slots=True)
class JsonFault:
    """
    A fault of a JSON text.

    Attributes:
        message: What is wrong.
        path: The value's path, such as `predictions[3].title`; empty where the text as a whole is at fault.
        line: The line, from 1; 0 for the text as a whole.
        column: The column in characters, from 1; 0 likewise.
    """

    message: str
    path: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}" if self.line else ""
        return f"{self.message} at {', '.join(filter(None, (self.path, place)))}" if place else self.message


class JsonError(ValueError):
    """
    A text is not JSON, or has keys or numbers that would be lost.

    Attributes:
        faults: The faults found, at least one.
        is_syntax: Whether the text is not JSON, so that the first fault ended the reading.
    """

    def __init__(self, *faults: JsonFault, is_syntax: bool = False) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults
        self.is_syntax = is_syntax


class _FaultFoundError(Exception):
    """Ends the reading; the faults are then looked for by a slower reader that knows where it is."""


def read_json(text: str | bytes) -> Any:
    """
    Read a JSON text.

    Args:
        text: The text, as UTF-8 if it is bytes, without a byte order mark.

    Raises:
        JsonError: The text is not JSON, has a key twice in one object, or a number beyond the range of a float.
    """
    decoded = _decoded(text)
    try:
        value = _DECODER.decode(decoded)
    except json.JSONDecodeError as error:
        raise JsonError(_syntax_fault(error), is_syntax=True) from error
    except RecursionError as error:
        raise JsonError(JsonFault("it is nested too deep"), is_syntax=True) from error
    except (_FaultFoundError, ValueError) as error:  # ValueError: an integer of thousands of digits
        faults = tuple(islice(_faults(decoded), MOST_FAULTS))
        raise JsonError(*(faults or (JsonFault(str(error)),))) from error
    if "\\ud" in decoded or "\\uD" in decoded:
        _check_surrogates(value)
    return value


def _decoded(text: str | bytes) -> str:
    if isinstance(text, bytes):
        if text.startswith(_WIDE_MARKS):
            message = f"it begins with the byte order mark of UTF-16, {text[:2].hex(' ')}; save it as UTF-8"
            raise JsonError(JsonFault(message), is_syntax=True)
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise JsonError(JsonFault(f"it is not UTF-8 text: byte {error.start} is wrong"), is_syntax=True) from error
    if text.startswith(_MARK):
        raise JsonError(JsonFault(_MARK_FOUND, line=1, column=1), is_syntax=True)
    return text


def _syntax_fault(error: json.JSONDecodeError) -> JsonFault:
    is_mark = error.doc[error.pos : error.pos + 1] == _MARK
    return JsonFault(_MARK_FOUND if is_mark else error.msg, line=error.lineno, column=error.colno)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _FaultFoundError("a key comes twice in one object")
    return found


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _FaultFoundError(f"{digits} is beyond the range of a float")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise _FaultFoundError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse_constant)


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        fault = JsonFault("it has half of a surrogate pair, which is no character")
        raise JsonError(fault, is_syntax=True) from error


@dataclass(slots=True)
class _Container:
    """An object or an array that is being read: its own path, and the key or the index of the value to come."""

    path: str
    is_object: bool
    keys: set[str] = field(default_factory=set)
    key: str | None = None
    index: int = 0

    def path_of_value(self) -> str:
        if not self.is_object:
            return f"{self.path}[{self.index}]"
        return f"{self.path}.{self.key}" if self.path else f"{self.key}"


def _faults(text: str) -> Iterator[JsonFault]:
    """Find doubled keys and numbers that JSON or a float does not have, in the order of the text."""
    open_: list[_Container] = []
    fault_at = _Places(text).fault_at
    for token in _TOKEN.finditer(text):
        part = token.group()
        container = open_[-1] if open_ else None
        if part in "{[":
            open_.append(_Container(container.path_of_value() if container else "", part == "{"))
        elif part in "}]":
            del open_[-1:]
        elif part == ",":
            if container is not None:
                container.key, container.index = None, container.index + 1
        elif part == ":":
            continue
        elif container is not None and container.is_object and container.key is None:
            key: str = json.loads(part, strict=False)
            container.key = key
            if key in container.keys:
                yield fault_at(token, f"the key {shown_value(key)} comes twice", container.path_of_value())
            container.keys.add(key)
        elif message := _number_fault(part):
            yield fault_at(token, message, container.path_of_value() if container else "")


def _number_fault(part: str) -> str | None:
    if part in _CONSTANTS:
        return f"{part} is not JSON"
    if _INTEGER.fullmatch(part):
        most = sys.get_int_max_str_digits()
        return f"an integer of more than {most} digits" if most and len(part.lstrip("-")) > most else None
    if _NUMBER.fullmatch(part) and not math.isfinite(float(part)):
        return f"{shown_value(part)[1:-1]} is beyond the range of a float"
    return None


class _Places:
    """Counts lines as far as they have been asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line = 1
        self._counted = 0

    def fault_at(self, token: re.Match[str], message: str, path: str) -> JsonFault:
        """Make the fault of a token, which is not before the one asked for last."""
        start = token.start()
        self._line += self._text.count("\n", self._counted, start)
        self._counted = start
        return JsonFault(message, path, line=self._line, column=start - self._text.rfind("\n", 0, start))
