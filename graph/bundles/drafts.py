"""Reads a bundle's text: the valid rows, and the problems of all others."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from graph.bundles.moments import ListMoments
from graph.errors import BundleError, Problem
from graph.inference.policies import POLICIES
from graph.model.bundle import BUNDLE_FORMAT, LISTS, Bundle
from graph.model.json_texts import JsonError, JsonFault, read_json
from graph.model.problems import describe_problem
from graph.model.rows import Row
from graph.model.subjects import CLAIM_LISTS, row_id

SLICE_ROWS: Final = 500
"""Rows validated at once, in some 5 ms, during which the interpreter runs no other thread."""

MOST_PROBLEMS: Final = 1_000
"""Problems after which no more are looked for; describing each takes as long as reading ten rows."""

_POSITIONS: Final = {name: position for position, name in enumerate(Bundle.model_fields)}


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A bundle as read from its text, before its rows are checked together.

    Attributes:
        rows: The valid rows by list, each with its index in the text.
        named: The ids of the rows by list, invalid ones included, so that a reference to one is no further problem.
        problems: The problems of the text, of single rows and of ids that occur twice.
        policy: The policy that an empty graph takes on; None for the graph's own.
        moments: When the rows came into the graph that they are restored from, by list and key; empty for rows that
            are new.
        is_part: Whether the rows are a part of a stream, in which the last row of a family may come later.
        is_restore: Whether they are a part of one that an empty graph is restored from.
    """

    rows: Mapping[str, Sequence[tuple[int, Row]]]
    named: Mapping[str, frozenset[str]]
    problems: tuple[Problem, ...]
    policy: str | None = None
    moments: ListMoments = field(default_factory=dict)
    is_part: bool = False
    is_restore: bool = False


def parse_bundle(text: str | bytes) -> Bundle:
    """
    Read a bundle whose rows are all valid; an import checks them together and against the graph.

    Raises:
        BundleError: The text has problems; the error lists all of them.
    """
    draft = read_draft(text)
    if draft.problems:
        raise BundleError(draft.problems)
    return Bundle(
        format=BUNDLE_FORMAT,
        policy=draft.policy,
        **{name: tuple(row for _, row in rows) for name, rows in draft.rows.items()},
    )


def read_draft(text: str | bytes) -> Draft:
    """
    Read the valid rows of a bundle's text, and collect the problems of all others.

    Raises:
        BundleError: The text is not a JSON object, or has more than `MOST_PROBLEMS` wrong values.
    """
    data = _read_object(text)
    details: list[ErrorDetails] = []
    rows = {name: tuple(_valid_rows(name, data.get(name), details)) for name in LISTS}
    details += _validate({name: value for name, value in data.items() if not _is_rows(name, value)})[1]
    problems = [describe_problem(detail) for detail in sorted(details, key=lambda detail: _position(detail["loc"]))]
    problems.extend(islice(_duplicates(rows), MOST_PROBLEMS))
    policy = data.get("policy") if isinstance(data.get("policy"), str) else None
    if policy is not None and policy not in POLICIES:
        problems.append(Problem("policy", f"expected one of {', '.join(POLICIES)}, got {policy!r:.80}"))
    return Draft(rows=rows, named=_named_ids(data, rows), problems=tuple(problems), policy=policy)


def _valid_rows(name: str, listed: Any, details: list[ErrorDetails]) -> Iterator[tuple[int, Row]]:
    """
    Validate a list in slices, between which other threads run; yield the valid rows and add the errors to `details`.

    Raises:
        BundleError: There are more than `MOST_PROBLEMS`.
    """
    for start in range(0, len(listed) if _is_rows(name, listed) else 0, SLICE_ROWS):
        part = listed[start : start + SLICE_ROWS]
        bundle, found = _validate({"format": BUNDLE_FORMAT, name: part})
        wrong = {detail["loc"][1] for detail in found}
        right = [index for index in range(len(part)) if index not in wrong]
        if bundle is None:
            bundle, _ = _validate({"format": BUNDLE_FORMAT, name: [part[index] for index in right]})
        for detail in found:
            list_name, index, *inner = detail["loc"]
            detail["loc"] = (list_name, start + int(index), *inner)
        details += found
        if len(details) > MOST_PROBLEMS:
            more = Problem("bundle", f"these are the first {MOST_PROBLEMS} problems; correct them to see the others")
            raise BundleError([*map(describe_problem, details[:MOST_PROBLEMS]), more])
        valid: Sequence[Row] = () if bundle is None else bundle.rows()[name]
        yield from zip((start + index for index in right), valid, strict=True)


def _is_rows(name: str, value: Any) -> bool:
    return name in LISTS and isinstance(value, list)


def _validate(data: Mapping[str, Any]) -> tuple[Bundle | None, list[ErrorDetails]]:
    """Validate strictly as JSON, in which moments and days are text."""
    try:
        return Bundle.model_validate_json(json.dumps(data), strict=True), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _position(location: tuple[int | str, ...]) -> int:
    """The place of an error's list among all lists; unknown ones come last."""
    return _POSITIONS.get(str(location[0]), len(_POSITIONS)) if location else 0


def _read_object(text: str | bytes) -> dict[str, Any]:
    try:
        data = read_json(text)
    except JsonError as error:
        raise BundleError([_text_problem(fault, error) for fault in error.faults]) from error
    if not isinstance(data, dict):
        raise BundleError([Problem("bundle", f"expected a JSON object, got {type(data).__name__}")])
    return data


def _text_problem(fault: JsonFault, error: JsonError) -> Problem:
    if error.is_syntax:
        return Problem("bundle", f"expected JSON, got other text: {fault}")
    return Problem(fault.path or "bundle", f"{fault.message} (line {fault.line}, column {fault.column})")


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
