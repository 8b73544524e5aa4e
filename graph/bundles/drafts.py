"""Reads a bundle's text: the valid rows, and the problems of all others."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import (
    ValidationError,
)
from pydantic_core import from_json

from graph.errors import BundleError, Problem
from graph.model.bundle import BUNDLE_FORMAT, LISTS, Bundle
from graph.model.problems import describe_problem
from graph.model.rows import Row
from graph.model.subjects import CLAIM_LISTS, row_id


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A bundle as read from its text, before its rows are checked together.

    Attributes:
        rows: The valid rows by list, each with its index in the text.
        named: The ids of the rows by list, invalid ones included, so that a reference to one is no further problem.
        problems: The problems of the text, of single rows and of ids that occur twice.
    """

    rows: Mapping[str, Sequence[tuple[int, Row]]]
    named: Mapping[str, frozenset[str]]
    problems: tuple[Problem, ...]


def parse_bundle(text: str | bytes) -> Bundle:
    """
    Read a bundle whose rows are all valid; an import checks them together and against the graph.

    Raises:
        BundleError: The text has problems; the error lists all of them.
    """
    draft = read_draft(text)
    if draft.problems:
        raise BundleError(draft.problems)
    return Bundle(format=BUNDLE_FORMAT, **{name: tuple(row for _, row in rows) for name, rows in draft.rows.items()})


def read_draft(text: str | bytes) -> Draft:
    """
    Read the valid rows of a bundle's text, and collect the problems of all others.

    Raises:
        BundleError: The text is not a JSON object.
    """
    try:
        bundle = Bundle.model_validate_json(text, strict=True)
    except ValidationError as error:
        return _read_valid_rows(text, error)
    rows = {name: tuple(enumerate(listed)) for name, listed in bundle.rows().items()}
    named = {name: frozenset(row_id(row) for row in listed) for name, listed in bundle.rows().items()}
    return Draft(rows=rows, named=named, problems=tuple(_duplicates(rows)))


def _read_valid_rows(text: str | bytes, error: ValidationError) -> Draft:
    """Read the rows of a text that are not among those of an error."""
    data = _read_object(text)
    details = error.errors(include_url=False)
    problems = [describe_problem(detail) for detail in details]
    wrong = {_row_location(detail["loc"]) for detail in details}
    valid = _without(data, wrong)
    bundle = Bundle.model_validate_json(json.dumps({"format": BUNDLE_FORMAT, **valid}), strict=True)
    rows = {
        name: tuple(zip(_valid_indices(name, data, wrong), rows, strict=True)) for name, rows in bundle.rows().items()
    }
    problems.extend(_duplicates(rows))
    return Draft(rows=rows, named=_named_ids(data, rows), problems=tuple(problems))


def _read_object(text: str | bytes) -> dict[str, Any]:
    try:
        data = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise BundleError([Problem("bundle", f"expected JSON, got other text: {error}")]) from error
    if not isinstance(data, dict):
        raise BundleError([Problem("bundle", f"expected a JSON object, got {type(data).__name__}")])
    return data


def _row_location(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return the part of an error's location that names a list or one of its rows."""
    return location[:2] if len(location) > 1 and isinstance(location[1], int) else location[:1]


def _without(data: Mapping[str, Any], wrong: set[tuple[int | str, ...]]) -> dict[str, Any]:
    return {
        name: [row for index, row in enumerate(data[name]) if (name, index) not in wrong]
        for name in LISTS
        if (name,) not in wrong and isinstance(data.get(name), list)
    }


def _valid_indices(name: str, data: Mapping[str, Any], wrong: set[tuple[int | str, ...]]) -> Iterator[int]:
    rows = data.get(name)
    if (name,) in wrong or not isinstance(rows, list):
        return iter(())
    return (index for index in range(len(rows)) if (name, index) not in wrong)


def _duplicates(rows: Mapping[str, Sequence[tuple[int, Row]]]) -> Iterator[Problem]:
    """Find rows with the id of an earlier one; ids are unique in a list, and those of claims in all three lists."""
    seen: dict[tuple[str, str], str] = {}
    for name, listed in rows.items():
        space = "claims" if name in CLAIM_LISTS else name
        for index, row in listed:
            path, key = f"{name}[{index}]", (space, row_id(row))
            if key in seen:
                yield Problem(
                    path, f"{seen[key]} already has the id {key[1]!r}; choose another id, or remove one of them"
                )
            seen.setdefault(key, path)


def _named_ids(data: Mapping[str, Any], rows: Mapping[str, Sequence[tuple[int, Row]]]) -> Mapping[str, frozenset[str]]:
    named: dict[str, frozenset[str]] = {}
    for name, listed in rows.items():
        ids = {row_id(row) for _, row in listed}
        if isinstance(data.get(name), list) and len(data[name]) != len(listed):
            ids |= {str(raw.get("id", raw.get("symbol"))) for raw in data[name] if isinstance(raw, dict)}
        named[name] = frozenset(ids)
    return named
