"""
Stores marginals: of those that a run computed, the ones that have moved.

A marginal that is within TOLERANCE of the stored one, or half its own standard error, is not written, so that a write
on a leaf costs a handful of rows instead of all. Claims of one family are written together, so that what is stored of
them is coherent. The run that all of them hold for is noted once, on the graph's node,
in a transaction after theirs:
whoever reads that note before a marginal reads the marginal of this run or of a later one.

Writers of marginals take turns by the lock of a node of their own, which notes who wrote last. Each process keeps what
it has stored; it reads marginals back only if another process has written since, or a revision does not tell which
claims it touched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Final

import numpy as np

from graph.database.paging import pages, slices
from graph.database.revisions import EventKind, add_events
from graph.database.sessions import Unit
from graph.inference.log_odds import FloatArray
from graph.inference.network.diagnostics import Beliefs
from graph.inference.network.structure import NO_GROUP, BoolArray, IntArray
from graph.inference.time import utc_moments
from graph.network.fetching import fetch_touched
from graph.network.view import State

TOLERANCE: Final = 1e-4
"""The most by which a stored marginal differs from the computed one, if none is sampled: far below the error of LBP."""

TOLERATED_ERRORS: Final = 0.5
"""
Standard errors by which a stored marginal may differ from a sampled one. Samples that are weighted to a write on a leaf
move all marginals a little, and thousands of rows would be written for noise.
"""

JOB: Final = "store_marginals"
"""The node by which writers of marginals take turns."""

BATCH_CLAIMS: Final = 2_000
"""Claims that one statement writes."""

PAGE_CLAIMS: Final = 5_000
"""Claims that one statement reads back."""

NOT_KNOWN: Final = np.inf
"""Stands for a stored marginal that this process does not know; it is written whatever the computed one is."""


@dataclass(frozen=True, slots=True, eq=False)
class Computed:
    """
    The marginals that a run computed.

    Attributes:
        run_id: Id of the run.
        state: State of the graph that was read.
        as_of: The moment that they hold for.
        ids: Ids of all n claims, ascending.
        marginals: NaN for claims that the network does not include, shape (n,).
        tolerances: The most by which a stored marginal may differ, shape (n,).
        families: Number of the family that a claim is in, NO_GROUP for none, shape (n,).
    """

    run_id: str
    state: State
    as_of: datetime
    ids: tuple[str, ...]
    marginals: FloatArray
    tolerances: FloatArray
    families: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """
    The marginals that are stored, as long as the last writer's mark is this one.

    Attributes:
        mark: Mark of the last writer.
        state: State of the graph that its run read; a claim that was touched later may have been made anew.
        ids: Ids of the n claims.
        marginals: NaN for claims without one, NOT_KNOWN where that is so, shape (n,).
    """

    mark: str
    state: State
    ids: tuple[str, ...]
    marginals: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """
    The result of one transaction.

    Attributes:
        stored: The marginals that are stored now.
        num_moved: Number of rows that it wrote.
        num_left: Number of rows that exceed its limit.
    """

    stored: Stored
    num_moved: int
    num_left: int


def tolerances_of(beliefs: Beliefs) -> FloatArray:
    """Compute by how much a stored marginal may differ from the computed one, shape (n,)."""
    errors = 0.0 if beliefs.standard_errors is None else beliefs.standard_errors
    tolerances: FloatArray = np.maximum(np.full(beliefs.marginals.size, TOLERANCE), TOLERATED_ERRORS * errors)
    return tolerances


def has_moved(before: FloatArray, after: FloatArray, tolerances: FloatArray | float = TOLERANCE) -> BoolArray:
    """
    Find the marginals that have to be written.

    Args:
        before: The stored ones: NaN for none, NOT_KNOWN where that is so, shape (n,).
        after: The computed ones: NaN for none, shape (n,).
        tolerances: The most by which they may differ, shape (n,).

    Returns:
        Mask of those that differ by more; of known outcomes, 0 and 1, those that differ at all.
    """
    is_outcome = np.isin(before, (0.0, 1.0)) | np.isin(after, (0.0, 1.0))
    moved: BoolArray = np.abs(after - before) > np.where(is_outcome, 0.0, tolerances)
    moved |= np.isnan(before) != np.isnan(after)
    return moved


def with_families(moved: BoolArray, families: IntArray) -> IntArray:
    """
    List the claims to write: those that have moved and all others of their families, one family after the other.

    Args:
        moved: Mask of the claims that have moved, shape (n,).
        families: As of `Computed`.
    """
    is_concerned = np.zeros(families.max(initial=NO_GROUP) + 2, np.bool_)
    is_concerned[families[moved]] = True
    is_concerned[NO_GROUP] = False  # the last entry, of claims without a family
    claims = np.flatnonzero(moved | is_concerned[families])
    return claims[np.argsort(families[claims], kind="stable")]


def end_of_family(families: IntArray, limit: int) -> int:
    """
    Return how many of some claims to write at once: the limit, and the rest of the family that it falls into.

    Args:
        families: Number of each claim's family, those of one family one after the other.
        limit: Above 0.
    """
    if limit >= families.size or families[limit] == NO_GROUP or families[limit] != families[limit - 1]:
        return limit
    return int(np.searchsorted(families, families[limit], side="right"))


async def store_part(unit: Unit, computed: Computed, known: Stored | None, *, limit: int, mark: str) -> Part | None:
    """
    Store some of the marginals that have moved.

    Args:
        unit: The transaction to write in; other writers of marginals wait for its end.
        computed: The marginals of a run.
        known: The marginals that are stored as far as this process knows.
        limit: The most rows to write, but for those that complete a family.
        mark: Identifies this transaction; no two share one.

    Returns:
        What is stored now; None if a run of a later state has stored marginals, which stay as they are.
    """
    (opened,) = await unit.run("database/open_job", name=JOB)
    last, moment = opened["job"], int(utc_moments([computed.as_of])[0].astype(np.int64))
    if (last.get("revision", -1), last.get("as_of", moment)) > (computed.state.revision, moment):
        return None
    is_known = known is not None and known.mark == last.get("mark")
    before = await _fetch_before(unit, computed.ids, known if is_known else None)
    moved = with_families(has_moved(before, computed.marginals, computed.tolerances), computed.families)
    chosen = moved[: end_of_family(computed.families[moved], limit)]
    for part in slices(chosen.tolist(), BATCH_CLAIMS):
        await _write(unit, computed, part)
    await add_events(unit, EventKind.BELIEFS, belief_ids=[computed.ids[claim] for claim in chosen])
    job = {"mark": mark, "revision": computed.state.revision, "as_of": moment}
    await unit.run("database/set_job", name=JOB, job=job)
    before[chosen] = computed.marginals[chosen]
    return Part(Stored(mark, computed.state, computed.ids, before), chosen.size, moved.size - chosen.size)


async def _fetch_before(unit: Unit, ids: tuple[str, ...], known: Stored | None) -> FloatArray:
    """Return the stored marginals of claims, shape (n,), from those that are known where that suffices."""
    touched = None if known is None else await fetch_touched(unit, known.state)
    if known is None or touched is None:
        marginals = await _read_back(unit)
        return np.array([marginals.get(claim_id, np.nan) for claim_id in ids], np.float64)
    if known.ids is ids:
        before = known.marginals.copy()
    else:
        marginals = dict(zip(known.ids, known.marginals.tolist(), strict=True))
        before = np.array([marginals.get(claim_id, np.nan) for claim_id in ids], np.float64)
    before[np.isin(ids, list(touched))] = NOT_KNOWN
    return before


async def _read_back(unit: Unit) -> dict[str, float]:
    async def read(after: str) -> Sequence[tuple[str, float | None]]:
        (row,) = await unit.run("network/list_marginals", after=after, limit=PAGE_CLAIMS)
        return list(zip(row["ids"], row["marginals"], strict=True))

    found = [entry async for page in pages(read, itemgetter(0), PAGE_CLAIMS) for entry in page]
    return {claim_id: np.nan if marginal is None else marginal for claim_id, marginal in found}


async def _write(unit: Unit, computed: Computed, claims: Sequence[int]) -> None:
    marginals = computed.marginals[claims]
    await unit.run(
        "network/set_marginals",
        ids=[computed.ids[claim] for claim in claims],
        marginals=[None if np.isnan(marginal) else marginal for marginal in marginals.tolist()],
        run_id=computed.run_id,
        revision=computed.state.revision,
        as_of=computed.as_of,
    )


@dataclass(frozen=True, slots=True)
class RunKey:
    """
    Identifies a run that stored marginals, and the state that it computed them for.

    Attributes:
        run_id: Id of the run.
        revision: Revision of the graph that it read.
        as_of: The moment that its marginals hold for.
    """

    run_id: str
    revision: int
    as_of: datetime

    @property
    def order(self) -> tuple[int, datetime]:
        """Greater for a run of a later state."""
        return self.revision, self.as_of


@dataclass(frozen=True, slots=True)
class Held:
    """
    The run that a stored marginal holds for.

    Attributes:
        run: The run, of which the marginal is to within its tolerance.
        is_stale: Whether the graph's revision has risen since.
    """

    run: RunKey
    is_stale: bool


async def list_held(unit: Unit, marginals: Sequence[tuple[str, RunKey]]) -> list[Held]:
    """
    List the latest run that each marginal holds for.

    It is the run that all stored marginals hold for; but the one that wrote the marginal unless that is of an earlier
    state, or where the marginal has been written since it was read.

    Args:
        unit: The transaction to read in, after the marginals have been read.
        marginals: The claim of each, and the run that wrote it.
    """
    # The order matters: the run that is read first had written all its marginals before the second statement.
    rows = await unit.run("network/get_held")
    latest, writers = None, {}
    if rows and rows[0]["run_id"] is not None:
        latest = RunKey(rows[0]["run_id"], rows[0]["run_revision"], rows[0]["as_of"])
        (row,) = await unit.run("network/list_writers", ids=sorted({claim_id for claim_id, _ in marginals}))
        writers = dict(row["writers"])
    revision = rows[0]["revision"] if rows else 0
    held = []
    for claim_id, writer in marginals:
        is_unchanged = writers.get(claim_id) == writer.run_id
        run = latest if latest and latest.order > writer.order and is_unchanged else writer
        held.append(Held(run, run.revision != revision))
    return held
