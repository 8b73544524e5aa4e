"""Saved queries in the graph: each version is a node, which never changes, and a deletion is a version of its own."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from graph.adhoc.running import Adhoc
from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.revisions import EventKind, add_events, row_note
from graph.database.sessions import Database, Unit
from graph.errors import ConflictError, InvalidError, NotFoundError, RefusedError, refuse
from graph.model.problems import describe_problem
from graph.model.properties import from_properties, to_properties
from graph.model.rows import SavedQuery as Row
from graph.model.subjects import row_id
from graph.saved.library import list_library, list_own_versions
from graph.saved.queries import (
    A_NAME,
    MOST_DESCRIPTION,
    MOST_PARAMETERS,
    MOST_QUERIES,
    MOST_VERSIONS,
    NAME,
    RESERVED,
    Draft,
    Origin,
    Parameter,
    SavedQuery,
    from_row,
    to_parameter_row,
    to_row,
)
from graph.saved.values import read_default, sample_values

RowT = TypeVar("RowT")

_PARAMETER_NAME: Final = re.compile(r"[a-z][A-Za-z0-9_]{0,63}", re.ASCII)
_USED: Final = re.compile(
    r"//[^\n\r]*|/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\$(?:`(?P<quoted>(?:[^`]|``)*)`|(?P<plain>\w+))|`(?:[^`]|``)*`",
    re.DOTALL,
)
"""Uses of parameters in a statement, and the comments, texts and quoted names in which there are none."""


async def list_queries(unit: Unit) -> list[SavedQuery]:
    """List the latest version of each query, the project's own included, by name; deleted ones are left out."""
    rows = await unit.run("saved/list_latest", limit=MOST_VERSIONS)
    saved = {query.name: query for query in map(_read, rows)}
    latest = {**list_library(), **saved}
    return [latest[name] for name in sorted(latest) if not latest[name].is_deleted]


async def find_query(unit: Unit, name: str, version: int | None = None) -> SavedQuery | None:
    """
    Find a query.

    Args:
        unit: A transaction.
        name: The query's name.
        version: One of its versions; None for the latest.

    Returns:
        The query; None if nothing has the name, the version is not known, or it was deleted.
    """
    if not name.isascii():  # no query has such a name, and half of a surrogate pair cannot be sent
        return None
    rows = await unit.run("saved/list_versions", name=name, version=version, limit=1)
    own = (query for query in list_own_versions(name) if version in {None, query.version})
    found = _read(rows[0]) if rows else next(own, None)
    return None if found is None or found.is_deleted else found


async def list_versions(unit: Unit, name: str) -> list[SavedQuery]:
    """List the versions of a query, newest first, with those that mark a deletion."""
    if not name.isascii():
        return []
    rows = await unit.run("saved/list_versions", name=name, version=None, limit=MOST_VERSIONS)
    found = [_read(row) for row in rows]
    stored = {query.version for query in found}
    found += [query for query in list_own_versions(name) if query.version not in stored]
    return sorted(found, key=lambda query: query.version, reverse=True)


async def save_query(
    database: Database,
    adhoc: Adhoc,
    draft: Draft,
    *,
    caller: str,
    idempotency_key: str | None = None,
    is_dry_run: bool = False,
) -> Answered:
    """
    Save a query as a new version, unless the latest one says the same.

    Args:
        database: The database to write to.
        adhoc: Judges the statement.
        draft: The query.
        caller: Who asks, as limits for each caller count.
        idempotency_key: The request's key; None without one.
        is_dry_run: Whether to check everything and keep nothing.

    Returns:
        A payload with the `query` as a row, and whether it is `new` by its name and whether anything has `changed`.

    Raises:
        InvalidError: The name, the description or a parameter is wrong, or the statement uses other parameters.
        ConflictError: There is another version than the expected one, or as many queries as may be.
        RefusedError: The statement is refused, as by `Adhoc.explain`.
        KeyReusedError: The idempotency key belongs to another request.
        RefusedItemsError: Several of these.
    """
    checked = _check(draft)
    await adhoc.explain(checked.statement, sample_values(checked.parameters), caller=caller)
    arguments = {"query": _row(checked).model_dump(mode="json"), "expected_version": draft.expected_version}
    request = WriteRequest("saveQuery", arguments, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        before = await _lock_latest(unit, checked.name)
        _check_version(before, draft.expected_version, "expected_version")
        if before is not None and before.says_the_same_as(checked):
            return _payload(before, is_new=False, has_changed=False)
        await _check_room(unit, is_new=before is None)
        after = await _append(unit, checked, before)
        return _payload(after, is_new=before is None or before.is_deleted, has_changed=True)

    return await write_once(database, request, work, raises_revision=False)


async def delete_query(
    database: Database,
    name: str,
    *,
    expected_version: int | None = None,
    idempotency_key: str | None = None,
    is_dry_run: bool = False,
) -> Answered:
    """
    Delete a query: its versions stay, and a last one marks the deletion. One of the project's own is hidden for good.

    Returns:
        A payload with the `query` as it was, as a row.

    Raises:
        NotFoundError: No query has the name.
        ConflictError: There is another version than the expected one, or as many versions as may be.
        KeyReusedError: The idempotency key belongs to another request.
    """
    if not name.isascii():
        raise unknown_query(name)
    request = WriteRequest(
        "deleteSavedQuery", {"name": name, "expected_version": expected_version}, idempotency_key, is_dry_run
    )

    async def work(unit: Unit) -> Payload:
        before = await _lock_latest(unit, name)
        if before is None or before.is_deleted:
            raise unknown_query(name)
        _check_version(before, expected_version, "expected_version")
        await _check_room(unit, is_new=False)
        await _append(unit, replace(before, is_deleted=True), before)
        return _payload(before, is_new=False, has_changed=True)

    return await write_once(database, request, work, raises_revision=False)


def unknown_query(name: str, version: int | None = None, *, path: str = "name") -> NotFoundError:
    """The error that no query has a name, or a version."""
    if version is None:
        return NotFoundError(f"no saved query has the name {name[:80]!r}", path=path)
    return NotFoundError(f"the saved query {name[:80]!r} has no version {version}", path="version")


def _read(row: Mapping[str, Any]) -> SavedQuery:
    return from_row(from_properties(Row, row["query"]))


def query_of(payload: Payload) -> SavedQuery:
    """The query in a payload."""
    return replace(from_row(Row.model_validate(payload["query"])), origin=Origin(payload["origin"]))


def _payload(query: SavedQuery, *, is_new: bool, has_changed: bool) -> Payload:
    row = to_row(query).model_dump(mode="json")
    return {"query": row, "origin": query.origin.value, "created": is_new, "changed": has_changed}


def _check(draft: Draft) -> SavedQuery:
    """Check a draft, and give it the form in which it is kept."""
    faults: list[RefusedError] = []
    if not NAME.fullmatch(draft.name):
        faults.append(InvalidError(f"expected {A_NAME}, got {draft.name[:80]!r}", path="name"))
    if len(draft.description) > MOST_DESCRIPTION:
        message = f"expected at most {MOST_DESCRIPTION:,} characters, got {len(draft.description):,}"
        faults.append(InvalidError(message, path="description"))
    if len(draft.parameters) > MOST_PARAMETERS:
        message = f"expected at most {MOST_PARAMETERS} parameters, got {len(draft.parameters)}"
        faults.append(InvalidError(message, path="parameters"))
        refuse(faults)
    parameters = _check_parameters(draft.parameters, faults)
    faults += _check_uses(draft)
    refuse(faults)
    checked = SavedQuery(draft.name, draft.description.strip(), draft.statement.strip(), parameters, 1)
    _row(checked)
    return checked


def _check_parameters(given: tuple[Parameter, ...], faults: list[RefusedError]) -> tuple[Parameter, ...]:
    checked: list[Parameter] = []
    for index, parameter in enumerate(given):
        path = f"parameters[{index}]"
        if not _PARAMETER_NAME.fullmatch(parameter.name) or parameter.name.lower().startswith("auto"):
            message = (
                "expected a letter a-z and up to 63 letters, digits and _, not beginning with 'auto', "
                f"got {parameter.name[:80]!r}"
            )
            faults.append(InvalidError(message, path=f"{path}.name"))
        elif parameter.name in RESERVED:
            message = f"the name {parameter.name!r} means something else in addresses; choose another"
            faults.append(InvalidError(message, path=f"{path}.name"))
        elif parameter.name in {other.name for other in checked}:
            faults.append(InvalidError(f"the parameter {parameter.name!r} is declared twice", path=f"{path}.name"))
        try:
            default = read_default(parameter, f"{path}.default")
        except InvalidError as error:
            faults.append(error)
            continue
        is_required = parameter.is_required and default is None
        description = " ".join(parameter.description.split())
        settled = replace(parameter, default=default, is_required=is_required, description=description)
        checked.append(settled)
        if not faults:
            _check_row(partial(to_parameter_row, settled), f"{path}.")
    return tuple(checked)


def _check_uses(draft: Draft) -> list[RefusedError]:
    """Compare the parameters that a statement uses with those that are declared."""
    found = [found["plain"] or found["quoted"] for found in _USED.finditer(draft.statement)]
    used = dict.fromkeys(name for name in found if name)
    declared = [parameter.name for parameter in draft.parameters]
    faults: list[RefusedError] = [
        InvalidError(f"the statement uses {name[:80]!r}, which is not among the parameters", path="statement")
        for name in used
        if name not in declared
    ]
    faults += [
        InvalidError(f"the statement does not use {name[:80]!r}; leave the parameter out", path=f"parameters[{index}]")
        for index, name in enumerate(declared)
        if name not in used
    ]
    return faults


def _row(query: SavedQuery) -> Row:
    return _check_row(partial(to_row, query))


def _check_row(make: Callable[[], RowT], place: str = "") -> RowT:
    """Make a row; raises InvalidError where a text has characters that are not stored, or is too long."""
    try:
        return make()
    except ValidationError as error:
        problem = describe_problem(error.errors()[0])
        message = problem.message.encode(errors="backslashreplace").decode()
        raise InvalidError(message, path=f"{place}{problem.path}") from error


async def _lock_latest(unit: Unit, name: str) -> SavedQuery | None:
    """Make others who save wait, and read the latest version under the lock; one that marks a deletion, too."""
    await unit.run("saved/lock")
    rows = await unit.run("saved/list_versions", name=name, version=None, limit=1)
    return _read(rows[0]) if rows else list_library().get(name)


def _check_version(latest: SavedQuery | None, expected: int | None, path: str) -> None:
    found = 0 if latest is None or latest.is_deleted else latest.version
    if expected is not None and expected != found:
        told = f"version {found}" if found else "none"
        message = f"expected version {expected} to be the latest one, and there is {told}; read it, and try again"
        raise ConflictError(message, path=path)


async def _check_room(unit: Unit, *, is_new: bool) -> None:
    (row,) = await unit.run("saved/count")
    if is_new and row["num_names"] >= MOST_QUERIES:
        raise ConflictError(
            f"there are {MOST_QUERIES} saved queries, which is the most; change one instead", path="name"
        )
    if row["num_versions"] >= MOST_VERSIONS:
        message = f"there are {MOST_VERSIONS:,} versions of saved queries, which is the most"
        raise ConflictError(message, path="name")


async def _append(unit: Unit, query: SavedQuery, before: SavedQuery | None) -> SavedQuery:
    version = 1 if before is None else before.version + 1
    # Receipts keep answers as JSON, so that a retry's moment is that of the first try.
    after = SavedQuery(
        query.name,
        query.description,
        query.statement,
        query.parameters,
        version,
        saved_at=datetime.now(UTC),
        is_deleted=query.is_deleted,
    )
    row = to_row(after)
    await unit.run("upsert/saved_queries", rows=[to_properties(row)])
    await add_events(unit, EventKind.ROWS, row_ids=[row_note("saved_queries", row_id(row))])
    return after
