"""Families in the graph: each row has a family as recorded at a moment, and never changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.revisions import Changes, raise_revision, row_note
from graph.database.sessions import Database, Unit
from graph.errors import ConflictError, InvalidError, NotFoundError, RefusedError, refuse
from graph.model.kinds import FamilyKind, FamilyRole
from graph.model.problems import check_name, describe_problem, property_of
from graph.model.properties import from_properties, to_properties
from graph.model.rows import ClaimFamily, FamilyMember, dated_bounds, dated_key

FAMILIES: Final = "claim_families"
"""Name of the list in which notes of revisions name rows of families."""

MOST_FAMILIES: Final = 1_000
"""Families of a graph, deleted ones included: those of some claims are found by a look at all."""

MOST_ROWS: Final = 1_000
"""Rows of one family."""

LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FamilyDraft:
    """
    A family to be recorded.

    Attributes:
        name: The family's name.
        kind: The tie between the members.
        members: The id of each claim, and its role.
        title: The event or the question, in words.
        is_exhaustive: Of outcomes that exclude each other, whether exactly one comes true; None of other families.
    """

    name: str
    kind: FamilyKind
    members: Sequence[tuple[str, FamilyRole]]
    title: str | None = None
    is_exhaustive: bool | None = None

    def row(self, recorded_at: datetime) -> ClaimFamily:
        """
        Return its row.

        Raises:
            InvalidError: A value is wrong; the path is that of the value.
        """
        try:
            return ClaimFamily(
                id=dated_key(self.name, recorded_at),
                name=self.name,
                kind=self.kind,
                title=self.title,
                is_exhaustive=self.is_exhaustive,
                recorded_at=recorded_at,
                members=tuple(FamilyMember(claim_id=claim_id, role=role) for claim_id, role in self.members),
            )
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            problem = describe_problem(detail)
            raise InvalidError(problem.message, path=property_of(detail) or problem.path) from error


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    A family as it was.

    Attributes:
        family: The row.
        is_reconstructed: Whether it was recorded later than asked for, as there was none before.
    """

    family: ClaimFamily
    is_reconstructed: bool


async def list_families(
    unit: Unit, claim_ids: Collection[str] | None = None, *, known_at: datetime = LATEST
) -> list[ClaimFamily]:
    """
    List families by name.

    Args:
        unit: A transaction.
        claim_ids: Only families with one of these members; None for all.
        known_at: As recorded by this moment.
    """
    ids = None if claim_ids is None else list(claim_ids)
    rows = await unit.run("families/list_families", claim_ids=ids, known_at=known_at, limit=MOST_FAMILIES)
    return [from_properties(ClaimFamily, row["family"]) for row in rows]


async def list_families_of(unit: Unit, claim_ids: Sequence[str]) -> list[list[ClaimFamily]]:
    """List the families of each of some claims, at most one of each kind."""
    found = await list_families(unit, set(claim_ids))
    members = [(family, {member.claim_id for member in family.members}) for family in found]
    return [[family for family, ids in members if claim_id in ids] for claim_id in claim_ids]


async def list_recorded(unit: Unit, asked: Sequence[tuple[str, datetime]]) -> list[Recorded | None]:
    """
    Return families as they were recorded by moments; before its first row that one serves.

    Args:
        unit: A transaction.
        asked: The name of each family, and the moment.

    Returns:
        None where no family has the name, or it was deleted by then.
    """
    found = [(ends.last or ends.first, ends.last is None) for ends in await _list_ends(unit, asked)]
    return [
        None if row is None or row.is_deleted else Recorded(row, is_reconstructed=is_early) for row, is_early in found
    ]


async def count_rows(unit: Unit, names: Sequence[str]) -> list[int]:
    """Count the rows of each family, of deleted ones, too."""
    return [ends.num_rows for ends in await _list_ends(unit, [(name, LATEST) for name in names])]


async def count_families(unit: Unit) -> int:
    """Count the names that families have or had."""
    (counted,) = await unit.run("families/count_families")
    num_families: int = counted["num_families"]
    return num_families


async def list_stored_marginals(unit: Unit, claim_ids: Sequence[str]) -> list[float | None]:
    """Return the stored marginals of claims; None for a claim without one, or an id that no claim has."""
    rows = await unit.run("families/list_members", claim_ids=list(claim_ids))
    found = {row["id"]: row["marginal"] for row in rows}
    return [found.get(claim_id) for claim_id in claim_ids]


async def save_family(
    database: Database, draft: FamilyDraft, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Record a family, unless it is recorded already.

    Args:
        database: The database to write to.
        draft: The family; it replaces the one of its name.
        idempotency_key: The request's key; None without one.
        is_dry_run: Whether to check everything and keep nothing.

    Returns:
        A payload with the `family` as a row, whether it is `new` by its name, and whether anything has `changed`.

    Raises:
        InvalidError: A value is wrong, a claim is given twice, or one of an event by several dates has no deadline.
        NotFoundError: There is no claim with an id.
        ConflictError: A claim is a member of another family of the kind, or there are as many families or rows as may
            be.
        RefusedItemsError: Several members are wrong.
        KeyReusedError: The idempotency key belongs to another request.
    """
    check_name(draft.name)
    row = draft.row(datetime.now(UTC))
    given = row.model_dump(mode="json", exclude={"id", "recorded_at"})
    request = WriteRequest("saveClaimFamily", given, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        # Claims are deleted under the same lock, and families wait for each other.
        await unit.run("database/lock_graph")
        row = draft.row(datetime.now(UTC))
        (ends,) = await _list_ends(unit, [(draft.name, LATEST)])
        before = ends.last
        is_new = before is None or bool(before.is_deleted)
        if before is not None and _says_the_same(before, row):
            return {"family": before.model_dump(mode="json"), "new": False, "changed": False}
        await _check_members(unit, row)
        await _check_room(unit, ends.num_rows)
        await _append(unit, row)
        return {"family": row.model_dump(mode="json"), "new": is_new, "changed": True}

    return await write_once(database, request, work, raises_revision=False)


async def delete_family(
    database: Database, name: str, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Delete a family: its rows stay, and a last one marks the deletion; its members are left as they are.

    Returns:
        A payload with the `family` as it was, as a row.

    Raises:
        NotFoundError: No family has the name.
        KeyReusedError: The idempotency key belongs to another request.
    """
    request = WriteRequest("deleteClaimFamily", {"name": name}, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        await unit.run("database/lock_graph")
        (before,) = await list_recorded(unit, [(name, LATEST)])
        if before is None:
            raise NotFoundError(f"no family of claims has the name {name[:80]!r}", path="name")
        now = datetime.now(UTC)
        marks = {"id": dated_key(name, now), "recorded_at": now, "members": (), "is_deleted": True}
        await _append(unit, before.family.model_copy(update=marks))
        return {"family": before.family.model_dump(mode="json")}

    return await write_once(database, request, work, raises_revision=False)


@dataclass(frozen=True, slots=True)
class _Ends:
    """A family's first row, the last one by a moment, and the number of all."""

    first: ClaimFamily | None
    last: ClaimFamily | None
    num_rows: int


async def _list_ends(unit: Unit, asked: Sequence[tuple[str, datetime]]) -> list[_Ends]:
    bounds = [{**dated_bounds(name), "known_at": known_at} for name, known_at in asked]
    rows = await unit.run("families/list_recorded", asked=bounds)
    return [_Ends(_read(row["first"]), _read(row["last"]), row["num_rows"]) for row in rows]


def _read(properties: Mapping[str, Any] | None) -> ClaimFamily | None:
    return None if properties is None else from_properties(ClaimFamily, properties)


def _says_the_same(before: ClaimFamily, row: ClaimFamily) -> bool:
    unlike: Any = {"id", "recorded_at"}
    return before.model_dump(exclude=unlike) == row.model_dump(exclude=unlike)


async def _check_members(unit: Unit, row: ClaimFamily) -> None:
    """Refuse a family unless all its members may belong to it."""
    ids = [member.claim_id for member in row.members]
    found = {claim["id"]: claim["deadline"] for claim in await unit.run("families/list_members", claim_ids=ids)}
    others = {
        member.claim_id: family.name
        for family in await list_families(unit, ids)
        if family.kind is row.kind and family.name != row.name
        for member in family.members
    }
    refusals: list[RefusedError] = []
    for index, claim_id in enumerate(ids):
        path = f"members[{index}].claim_id"
        if claim_id not in found:
            refusals.append(NotFoundError(f"no claim has the id {claim_id!r}; add it first", path=path))
        elif row.kind is FamilyKind.BY_WHEN and found[claim_id] is None:
            refusals.append(InvalidError(f"expected a claim with a deadline, got {claim_id!r} without one", path=path))
        elif claim_id in others:
            message = (
                f"expected a claim of no other family of kind {row.kind}, got {claim_id!r} of {others[claim_id]!r}; "
                "save that one without it first"
            )
            refusals.append(ConflictError(message, path=path))
    refuse(refusals)


async def _check_room(unit: Unit, num_rows: int) -> None:
    if num_rows >= MOST_ROWS:
        raise ConflictError(f"the family has {MOST_ROWS:,} rows, which is the most", path="name")
    if not num_rows and await count_families(unit) >= MOST_FAMILIES:
        raise ConflictError(f"there are {MOST_FAMILIES:,} families, which is the most", path="name")


async def _append(unit: Unit, row: ClaimFamily) -> None:
    await unit.run("upsert/claim_families", rows=[to_properties(row)])
    await raise_revision(unit, Changes(row_ids=[row_note(FAMILIES, row.id)]))
