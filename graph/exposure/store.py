"""Portfolios in the graph: each row has the positions since a moment, and never changes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.revisions import Changes, raise_revision, row_note
from graph.database.sessions import Database, Unit
from graph.errors import ConflictError, FutureObservationError, InvalidError, NotFoundError, NotOwnedError
from graph.exposure.positions import Position, Positions
from graph.model.page_keys import EARLIEST, FAR, FIRST_PLACE, LAST_PLACE, Place, place_parameters
from graph.model.problems import check_name, describe_problem
from graph.model.properties import from_properties, to_properties
from graph.model.rows import Portfolio, dated_bounds, dated_key
from graph.model.values import NAME

MOST_PORTFOLIOS: Final = 1_000
MOST_ROWS: Final = 10_000
"""Rows of one portfolio: one for each day of forty years of trading."""

_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Holder:
    """
    The caller on whose behalf a portfolio is read or written.

    Attributes:
        name: The name of the key or token; empty for nobody in particular.
        sees_all: Whether portfolios of others are open, too.
    """

    name: str
    sees_all: bool

    def owns(self, owner: str | None) -> bool:
        """Whether a portfolio of an owner is open."""
        return self.sees_all or (owner or "") == self.name


@dataclass(frozen=True, slots=True)
class Draft:
    """
    Positions to be recorded.

    Attributes:
        name: The portfolio's name.
        positions: The positions.
        held_at: Since when they are held; None for now.
        note: Remarks.
    """

    name: str
    positions: Sequence[Position]
    held_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A portfolio's name and owner; None for nobody in particular."""

    name: str
    owner: str | None


async def list_portfolios(unit: Unit, holder: Holder) -> list[Listed]:
    """List the portfolios that are open to a holder, by name; deleted ones are left out."""
    rows = await unit.run("exposure/list_portfolios", limit=MOST_PORTFOLIOS)
    found = [Listed(row["name"], row["owner"]) for row in rows if not row["is_deleted"]]
    return [listed for listed in found if holder.owns(listed.owner)]


async def find_portfolio(
    unit: Unit,
    name: str,
    holder: Holder,
    *,
    held_at: datetime | None = None,
    known_at: datetime | None = None,
    path: str = "name",
) -> Portfolio | None:
    """
    Find a portfolio as it was at a moment.

    Args:
        unit: A transaction.
        name: The portfolio's name.
        holder: Who asks.
        held_at: The moment; None for the last row of all.
        known_at: By when the positions were recorded; None for the same moment.
        path: Where the name was given, for refusals.

    Returns:
        The row that holds at the moment; None if there is none, or the portfolio was deleted by then.

    Raises:
        NotOwnedError: It belongs to another.
    """
    rows = await list_held(unit, name, held_at or _LAST, known_at or held_at or _LAST, limit=1)
    _check_owner(name, rows, holder, path)
    return None if not rows or rows[0].is_deleted else rows[0]


async def get_portfolio(
    unit: Unit,
    name: str,
    holder: Holder,
    *,
    held_at: datetime | None = None,
    known_at: datetime | None = None,
    path: str = "portfolio",
) -> Portfolio:
    """
    Return a portfolio as it was at a moment; otherwise as `find_portfolio`.

    Raises:
        NotFoundError: There is no such portfolio, or it had no positions yet; the message says since when it has.
        NotOwnedError: It belongs to another.
    """
    found = await find_portfolio(unit, name, holder, held_at=held_at, known_at=known_at, path=path)
    if found is not None:
        return found
    ends = await _read_ends(unit, name)
    if ends.last is None or held_at is None:
        raise unknown_portfolio(name, path)
    _check_owner(name, [ends.last], holder, path)
    message = (
        f"{name!r} has no positions at {held_at.isoformat()} as recorded by {(known_at or held_at).isoformat()}; its "
        f"first are of {ends.first_held_at.isoformat()}, recorded from {ends.first.recorded_at.isoformat()} on"
    )
    raise NotFoundError(message, path=path)


@dataclass(frozen=True, slots=True)
class Versions:
    """
    Conditions on rows of a portfolio, all of which must hold; the bounds are included.

    Attributes:
        held_from: The first moment since when they hold.
        held_to: The last one.
        recorded_from: The first moment of recording.
        recorded_to: The last one.
        is_deleted: Whether they mark a deletion; None for all.
    """

    held_from: datetime = EARLIEST
    held_to: datetime = FAR
    recorded_from: datetime = EARLIEST
    recorded_to: datetime = FAR
    is_deleted: bool | None = None


async def list_versions(
    unit: Unit,
    name: str,
    wanted: Versions,
    limit: int,
    *,
    by_recording: bool = False,
    between: tuple[Place, Place] = (FIRST_PLACE, LAST_PLACE),
    reads_down: bool = True,
) -> list[Portfolio]:
    """
    List rows of a portfolio by a moment and their ids; whoever calls has checked the owner.

    Args:
        unit: A transaction.
        name: The portfolio's name.
        wanted: The conditions.
        limit: The most rows.
        by_recording: Whether the moment is that of recording, and not that since when they hold.
        between: Places between which they lie, both excluded.
        reads_down: Whether the latest come first.
    """
    if not NAME.fullmatch(name):
        return []
    rows = await unit.run(
        "exposure/list_versions",
        **dated_bounds(name),
        **asdict(wanted),
        **place_parameters(between),
        by_recording=by_recording,
        limit=limit,
        reads_down=reads_down,
    )
    return [from_properties(Portfolio, row["portfolio"]) for row in rows]


async def count_versions(unit: Unit, name: str, wanted: Versions) -> int:
    """Count the rows of a portfolio that satisfy conditions."""
    if not NAME.fullmatch(name):
        return 0
    (row,) = await unit.run("exposure/count_versions", **dated_bounds(name), **asdict(wanted))
    return int(row["num_rows"])


async def check_holder(unit: Unit, name: str, holder: Holder) -> None:
    """
    Check that a portfolio, if there is one, is open to a holder.

    Raises:
        NotOwnedError: It belongs to another.
    """
    ends = await _read_ends(unit, name)
    _check_owner(name, [ends.last] if ends.last else [], holder, "name")


async def save_portfolio(
    database: Database,
    draft: Draft,
    holder: Holder,
    *,
    idempotency_key: str | None = None,
    is_dry_run: bool = False,
) -> Answered:
    """
    Record a portfolio's positions since a moment, unless they are recorded already.

    Args:
        database: The database to write to.
        draft: The positions; those of a symbol that is given several times add up.
        holder: Who saves it, and is its owner if it is new.
        idempotency_key: The request's key; None without one.
        is_dry_run: Whether to check everything and keep nothing.

    Returns:
        A payload with the `portfolio` as a row, the symbols that were `duplicates`, those that are `unknown` to the
        graph, and whether it is `new` by its name and whether anything has `changed`.

    Raises:
        InvalidError: The name, a position or the note is wrong.
        FutureObservationError: The moment is yet to come.
        NotOwnedError: The name belongs to another.
        ConflictError: There are as many portfolios or rows as may be.
        KeyReusedError: The idempotency key belongs to another request.
    """
    check_name(draft.name)
    summed = Positions.of(draft.positions)
    given = {symbol: [weight, summed.benchmark.get(symbol)] for symbol, weight in summed.weights.items()}
    held_at = None if draft.held_at is None else draft.held_at.isoformat()
    arguments = {"name": draft.name, "positions": given, "held_at": held_at, "note": draft.note}
    request = WriteRequest("savePortfolio", arguments, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        now = datetime.now(UTC)
        await unit.run("exposure/lock_portfolios")
        ends = await _read_ends(unit, draft.name)
        _check_owner(draft.name, [ends.last] if ends.last else [], holder, "name")
        row = _make_row(draft, summed, now, owner=holder.name or None if ends.last is None else ends.last.owner)
        held = await list_held(unit, draft.name, row.held_at, _LAST, limit=1)
        has_changed = not held or not _says_the_same(held[0], row, has_moment=draft.held_at is not None)
        if has_changed:
            await _check_room(unit, ends)
            await _append(unit, row)
        known = {found["symbol"] for found in await unit.run("exposure/list_known", symbols=list(summed.weights))}
        return {
            "portfolio": (row if has_changed else held[0]).model_dump(mode="json"),
            "duplicates": list(summed.duplicates),
            "unknown": [symbol for symbol in summed.weights if symbol not in known],
            "new": ends.last is None or bool(ends.last.is_deleted),
            "changed": has_changed,
        }

    return await write_once(database, request, work, raises_revision=False)


async def delete_portfolio(
    database: Database, name: str, holder: Holder, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Delete a portfolio: its rows stay, and a last one marks the deletion.

    Returns:
        A payload with the `portfolio` as it was, as a row.

    Raises:
        NotFoundError: No portfolio has the name.
        NotOwnedError: It belongs to another.
        KeyReusedError: The idempotency key belongs to another request.
    """
    request = WriteRequest("deletePortfolio", {"name": name}, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        now = datetime.now(UTC)
        await unit.run("exposure/lock_portfolios")
        before = await get_portfolio(unit, name, holder, path="name")
        values = {
            "id": dated_key(name, now),
            "name": name,
            "owner": before.owner,
            "held_at": now,
            "recorded_at": now,
            "is_deleted": True,
        }
        await _append(unit, Portfolio.model_validate(values))
        return {"portfolio": before.model_dump(mode="json")}

    return await write_once(database, request, work, raises_revision=False)


def unknown_portfolio(name: str, path: str) -> NotFoundError:
    """The error that no portfolio has a name."""
    return NotFoundError(f"no portfolio has the name {name[:80]!r}", path=path)


@dataclass(frozen=True, slots=True)
class _Ends:
    """The first and the last row of a portfolio, in the order of recording, and their number."""

    first: Any
    last: Portfolio | None
    first_held_at: Any
    num_rows: int


async def _read_ends(unit: Unit, name: str) -> _Ends:
    if not NAME.fullmatch(name):
        return _Ends(None, None, None, 0)
    (row,) = await unit.run("exposure/list_portfolio_ends", **dated_bounds(name))
    if not row["num_rows"]:
        return _Ends(None, None, None, 0)
    first, last = from_properties(Portfolio, row["first"]), from_properties(Portfolio, row["last"])
    return _Ends(first, last, row["first_held_at"].astimezone(UTC), row["num_rows"])


async def list_held(unit: Unit, name: str, held_at: datetime, known_at: datetime, *, limit: int) -> list[Portfolio]:
    """
    List rows of a portfolio that hold at a moment or held before, the last first; whoever calls has checked the owner.

    Args:
        unit: A transaction.
        name: The portfolio's name.
        held_at: The moment.
        known_at: By when they were recorded.
        limit: The most rows.
    """
    if not NAME.fullmatch(name):
        return []
    rows = await unit.run(
        "exposure/list_portfolio",
        **dated_bounds(name),
        held_at=held_at,
        known_at=known_at,
        limit=limit,
    )
    return [from_properties(Portfolio, row["portfolio"]) for row in rows]


def _check_owner(name: str, rows: Sequence[Portfolio], holder: Holder, path: str) -> None:
    if rows and not holder.owns(rows[0].owner):
        raise NotOwnedError(f"the portfolio {name!r} belongs to another caller", path=path)


def _make_row(draft: Draft, summed: Positions, now: datetime, *, owner: str | None) -> Portfolio:
    held_at = draft.held_at or now
    if held_at > now:
        message = f"expected a moment that has come, got {held_at.isoformat()}"
        raise FutureObservationError(message, path="held_at")
    try:
        return Portfolio(
            id=dated_key(draft.name, now),
            name=draft.name,
            owner=owner,
            held_at=held_at,
            recorded_at=now,
            positions=summed.rows(),
            note=draft.note,
        )
    except ValidationError as error:
        problem = describe_problem(error.errors(include_url=False)[0])
        raise InvalidError(problem.message, path=problem.path) from error


def _says_the_same(held: Portfolio, row: Portfolio, *, has_moment: bool) -> bool:
    """Whether positions are recorded already: those that hold at the moment, since then if a moment is given."""
    same_moment = held.held_at == row.held_at or not has_moment
    return same_moment and not held.is_deleted and (held.positions, held.note) == (row.positions, row.note)


async def _append(unit: Unit, row: Portfolio) -> None:
    await unit.run("upsert/portfolios", rows=[to_properties(row)])
    await raise_revision(unit, Changes(row_ids=[row_note("portfolios", row.id)]))


async def _check_room(unit: Unit, ends: _Ends) -> None:
    if ends.num_rows >= MOST_ROWS:
        raise ConflictError(f"the portfolio has {MOST_ROWS:,} rows, which is the most", path="name")
    if ends.last is None and len(await unit.run("exposure/list_portfolios", limit=MOST_PORTFOLIOS)) >= MOST_PORTFOLIOS:
        raise ConflictError(f"there are {MOST_PORTFOLIOS:,} portfolios, which is the most", path="name")
