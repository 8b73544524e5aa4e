"""The network of all claims: read by a few statements, and built into arrays for a moment."""

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graph.database.paging import pages
from graph.database.sessions import Reading, Unit
from graph.errors import BusyError, OversizeError
from graph.inference.evidence import POLICY
from graph.inference.log_odds import FloatArray, logits
from graph.inference.network.evidence import UNKNOWN, Evidence, OutcomeArray, make_evidence
from graph.inference.network.structure import BoolArray, Network, build_network
from graph.inference.posterior import posteriors
from graph.inference.time import MomentArray, moments_of, time_remaining_fractions, utc_moments, windows_of
from graph.model.kinds import ClaimStatus

PAGE_CLAIMS: Final = 5_000
FETCH_TRIES: Final = 5
"""Reads that a write interrupts are discarded; after this many, the client is asked to try again."""

MAX_CLAIMS: Final = 250_000
MAX_INFLUENCES: Final = 2_000_000
"""Limits of one network in memory: some 500 bytes per claim and 100 per influence while it is read."""

LONG_SECONDS: Final = 5.0
"""Age at which a read transaction is replaced by a new one, long before it expires."""

STATUSES: Final = tuple(ClaimStatus)
_OUTCOMES: Final = {ClaimStatus.RESOLVED_TRUE: 1, ClaimStatus.RESOLVED_FALSE: 0}


@dataclass(frozen=True, slots=True)
class State:
    """State of the graph: its revision, and when that was written, in microseconds since 1970 in UTC."""

    revision: int
    revised_at: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """
    Claims and influences as they are stored.

    Attributes:
        state: State of the graph.
        ids: Ids of the n claims, ascending.
        indices: Index of each claim by id.
        stated: Stated probabilities; NaN without one; shape (n,).
        inside: Inside log-odds; NaN without; shape (n,).
        base_rates: Base rates of the claims' reference classes; NaN without a class; shape (n,).
        statuses: Indices into `STATUSES`, shape (n,).
        starts: Starts of the windows; NaT without a window; shape (n,).
        deadlines: Ends of the windows; NaT without a window; shape (n,).
        resolved: When outcomes became known; NaT for open claims; shape (n,).
        influences: Parent, child, kind, P(child | true) and P(child | false) of each influence with a table, sorted by
            parent, child and kind.
    """

    state: State
    ids: tuple[str, ...]
    indices: Mapping[str, int]
    stated: FloatArray
    inside: FloatArray
    base_rates: FloatArray
    statuses: NDArray[np.int8]
    starts: MomentArray
    deadlines: MomentArray
    resolved: MomentArray
    influences: tuple[tuple[int, int, str, float, float], ...]


@dataclass(frozen=True, slots=True)
class InfluenceKey:
    """Identifies an influence by its kind and the ids of its ends."""

    kind: str
    parent_id: str
    child_id: str


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """
    The network at a moment, of the n claims that are included: with a stated probability, and not annulled.

    Attributes:
        snapshot: Snapshot that it was built from.
        moment: Moment of the time-remaining fractions.
        ids: Ids of the included claims, ascending.
        indices: Index of each included claim by id.
        network: Claims and influences.
        influences: Key of each of the network's influences, in their order.
        evidence: Evidence on each claim.
        inside_weights: Weight of each claim's inside view, shape (n,).
        structure_key: Digest of all that the model depends on.
        evidence_key: Digest of the evidence.
    """

    snapshot: Snapshot
    moment: datetime
    ids: tuple[str, ...]
    indices: Mapping[str, int]
    network: Network
    influences: tuple[InfluenceKey, ...]
    evidence: Evidence
    inside_weights: FloatArray
    structure_key: bytes
    evidence_key: bytes


async def fetch_state(unit: Unit) -> State:
    """Read the graph's state."""
    rows = await unit.run("database/get_revision")
    return State(rows[0]["revision"], rows[0]["revised_at"]) if rows else State(0, None)


async def fetch_snapshot(unit: Unit, state: State, *, page_claims: int = PAGE_CLAIMS) -> Snapshot:
    """
    Read all claims and influences as of one state, again if a write came in between.

    Args:
        unit: Unit of work to read in.
        state: State just read.
        page_claims: Number of claims that a statement returns.

    Raises:
        BusyError: Writes came during each attempt.
        OversizeError: There are more claims or influences than the limits allow.
    """
    for _ in range(FETCH_TRIES):
        stored = await _fetch(unit, state, page_claims)
        after = await fetch_state(unit)
        if stored is not None and after == state:
            return await asyncio.to_thread(_make_snapshot, state, stored)
        state = after
    message = f"writes interrupted all {FETCH_TRIES} attempts to read the network; try again"
    raise BusyError(message)


@dataclass(slots=True)
class _Stored:
    """Rows as returned by the statements."""

    claims: list[list[Any]] = field(default_factory=list)
    influences: list[list[Any]] = field(default_factory=list)
    base_rates: dict[str, float] = field(default_factory=dict)


async def _fetch(unit: Unit, state: State, page_claims: int) -> _Stored | None:
    """Read all rows; None if a new transaction, begun before the old one expired, sees another state."""
    stored = _Stored(base_rates=await _fetch_base_rates(unit, page_claims))
    began = time.monotonic()
    while True:
        if isinstance(unit, Reading) and time.monotonic() - began > LONG_SECONDS:
            await unit.read_after(None)
            began = time.monotonic()
            if await fetch_state(unit) != state:
                return None
        page = {"after": stored.claims[-1][0] if stored.claims else "", "limit": page_claims}
        (claims,) = await unit.run("network/list_claims", **page)
        (influences,) = await unit.run("network/list_influences", **page)
        stored.claims += claims["claims"]
        stored.influences += influences["influences"]
        _check_size("claims", len(stored.claims), MAX_CLAIMS)
        _check_size("influences", len(stored.influences), MAX_INFLUENCES)
        if len(claims["claims"]) < page_claims:
            return stored


async def _fetch_base_rates(unit: Unit, page_size: int) -> dict[str, float]:
    asked = {"subject": "ReferenceClass", "properties": ["id", "base_rate"], "limit": page_size}

    async def read(after: str) -> list[tuple[str, float]]:
        rows = await unit.run("reading/list_nodes", after=after, **asked)
        return [tuple(row["properties"]) for row in rows]

    return {class_id: rate async for page in pages(read, itemgetter(0), page_size) for class_id, rate in page}


def _check_size(what: str, size: int, limit: int) -> None:
    if size > limit:
        message = f"expected at most {limit:,} {what} to compute over, got {size:,} or more"
        raise OversizeError(message, size=size, limit=limit)


def _make_snapshot(state: State, stored: _Stored) -> Snapshot:
    columns = list(zip(*stored.claims, strict=True)) or [()] * 9
    ids, stated, inside, statuses, class_ids, from_years, window_starts, window_ends, resolved = columns
    indices = {claim_id: index for index, claim_id in enumerate(ids)}
    starts, deadlines = windows_of(from_years, window_starts, window_ends)
    status_indices = {status.value: index for index, status in enumerate(STATUSES)}
    return Snapshot(
        state=state,
        ids=tuple(ids),
        indices=indices,
        stated=_numbers(stated),
        inside=_numbers(inside),
        base_rates=_numbers([None if class_id is None else stored.base_rates.get(class_id) for class_id in class_ids]),
        statuses=np.array([status_indices[status] for status in statuses], np.int8),
        starts=starts,
        deadlines=deadlines,
        resolved=moments_of(resolved),
        influences=tuple(
            (indices[parent], indices[child], kind, p_if_true, p_if_false)
            for parent, child, kind, p_if_true, p_if_false in sorted(stored.influences)
            if child in indices and parent in indices
        ),
    )


def _numbers(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def network_moment(now: datetime) -> datetime:
    """Return the network's moment: the last full hour."""
    return now.replace(minute=0, second=0, microsecond=0)


def make_view(snapshot: Snapshot, moment: datetime) -> View:
    """Build the network as arrays for a moment."""
    annulled = STATUSES.index(ClaimStatus.ANNULLED)
    is_included = ~np.isnan(snapshot.stated) & (snapshot.statuses != annulled)
    numbers = np.cumsum(is_included) - 1
    ids = tuple(snapshot.ids[index] for index in np.flatnonzero(is_included).tolist())
    rows = [row for row in snapshot.influences if is_included[row[0]] and is_included[row[1]]]
    stated = snapshot.stated[is_included]
    prior_marginals, log_odds, weights = _prior_marginals(snapshot, is_included, moment)
    inside = snapshot.inside[is_included]
    llr = np.where(np.isnan(inside), 0.0, weights * (np.nan_to_num(inside) - log_odds))
    network = build_network(
        stated=stated,
        prior_marginals=prior_marginals,
        keys=claim_keys(ids),
        parents=numbers[np.array([row[0] for row in rows], np.int64)],
        children=numbers[np.array([row[1] for row in rows], np.int64)],
        p_if_true=np.array([row[3] for row in rows], np.float64),
        p_if_false=np.array([row[4] for row in rows], np.float64),
    )
    evidence = make_evidence(llr, _outcomes(snapshot.statuses[is_included]))
    return View(
        snapshot=snapshot,
        moment=moment,
        ids=ids,
        indices={claim_id: index for index, claim_id in enumerate(ids)},
        network=network,
        influences=tuple(InfluenceKey(row[2], snapshot.ids[row[0]], snapshot.ids[row[1]]) for row in rows),
        evidence=evidence,
        inside_weights=weights,
        structure_key=_structure_key(network),
        evidence_key=_digest(evidence.llr, evidence.observed),
    )


def _prior_marginals(
    snapshot: Snapshot, is_included: BoolArray, moment: datetime
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compute prior marginals, stated log-odds and inside weights; resolved claims keep those of their resolution."""
    resolved = snapshot.resolved[is_included]
    (now,) = utc_moments([moment])
    moments = np.where(np.isnat(resolved), now, np.minimum(resolved, now))
    trfs = time_remaining_fractions(snapshot.starts[is_included], snapshot.deadlines[is_included], moments)
    base_rates = snapshot.base_rates[is_included]
    log_odds = logits(snapshot.stated[is_included])
    prior_marginals = posteriors(log_odds, base_rates=base_rates, trfs=trfs)
    is_blended = ~np.isnan(base_rates) & ~np.isnan(trfs)
    weights = np.where(is_blended, 1.0 - POLICY.outside_weight * np.nan_to_num(trfs), 1.0)
    return prior_marginals, log_odds, weights


def _outcomes(statuses: NDArray[np.int8]) -> OutcomeArray:
    by_status = np.array([_OUTCOMES.get(status, UNKNOWN) for status in STATUSES], np.int8)
    outcomes: OutcomeArray = by_status[statuses]
    return outcomes


def claim_keys(ids: Sequence[str]) -> NDArray[np.uint64]:
    """Hash ids to the keys of the random streams, the same in every network and on every machine."""
    digests = b"".join(hashlib.blake2b(claim_id.encode(), digest_size=8).digest() for claim_id in ids)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _structure_key(network: Network) -> bytes:
    return _digest(
        network.keys,
        network.stated,
        network.prior_marginals,
        network.link_parents,
        network.link_children,
        network.edge_links,
        network.p_if_true,
        network.p_if_false,
    )


def _digest(*arrays: NDArray[Any]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()
