"""The network of all claims: a snapshot as it is stored, what a write changes in it, and its arrays for a moment."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from graph.inference.basis import Basis
from graph.inference.evidence import POLICY
from graph.inference.log_odds import FloatArray, logits, optional_numbers, sigmoids
from graph.inference.network.dates import DatedClaims, join_dates
from graph.inference.network.evidence import UNKNOWN, Evidence, OutcomeArray, make_evidence
from graph.inference.network.groups import Group, join_groups
from graph.inference.network.structure import BoolArray, IntArray, Network, build_network, with_probabilities
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY, posteriors
from graph.inference.statements import StatedClaims
from graph.inference.time import MomentArray, moments_of, time_remaining_fractions, utc_moments, windows_of
from graph.model.kinds import ClaimStatus
from graph.model.relations import INFLUENCE_KINDS
from graph.model.rows import ClaimFamily
from graph.network.grouping import find_events, find_groups, same_events, same_groups

NOT_CALIBRATED: Final = (None,) * 5
STATUSES: Final = tuple(ClaimStatus)
KINDS: Final = tuple(sorted(INFLUENCE_KINDS))
_OUTCOMES: Final = {ClaimStatus.RESOLVED_TRUE: 1, ClaimStatus.RESOLVED_FALSE: 0}

ClaimRow = Sequence[Any]
"""
Id, stated probability, inside log-odds, status, class, year, window's start and end, resolution, base rate and
time-remaining fraction at the resolution, row of `Snapshot.calibrations` (None under foregraph-1), base rate.
"""

InfluenceRow = tuple[str, str, str, float, float]
"""Parent, child, kind, P(child | true) and P(child | false)."""


@dataclass(frozen=True, slots=True)
class State:
    """State of the graph: its revision, and when that was written, in microseconds since 1970 in UTC."""

    revision: int
    revised_at: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Influences:
    """
    The m influences with a table, by the indices of their ends, sorted by parent, child and kind.

    Attributes:
        parents: Index of each influence's parent, shape (m,).
        children: Index of each influence's child, shape (m,).
        kinds: Indices into `KINDS`, shape (m,).
        p_if_true: P(child | parent true), shape (m,).
        p_if_false: P(child | parent false), shape (m,).
    """

    parents: IntArray
    children: IntArray
    kinds: NDArray[np.int8]
    p_if_true: FloatArray
    p_if_false: FloatArray

    @classmethod
    def of(cls, rows: Iterable[InfluenceRow], indices: Mapping[str, int]) -> Self:
        """
        Make the influences of rows in any order; those of which an end has no index are left out.

        Args:
            rows: The influences.
            indices: Index of each claim by id.
        """
        kinds = {kind: index for index, kind in enumerate(KINDS)}
        found = sorted(
            (indices[parent], indices[child], kinds[kind], p_if_true, p_if_false)
            for parent, child, kind, p_if_true, p_if_false in rows
            if parent in indices and child in indices
        )
        parents, children, numbers, p_if_true, p_if_false = zip(*found, strict=True) if found else ((),) * 5
        return cls(
            parents=np.array(parents, np.int64),
            children=np.array(children, np.int64),
            kinds=np.array(numbers, np.int8),
            p_if_true=np.array(p_if_true, np.float64),
            p_if_false=np.array(p_if_false, np.float64),
        )

    @property
    def size(self) -> int:
        """Number of influences."""
        return self.parents.size

    def rows(self) -> list[tuple[int, int, str, float, float]]:
        """List the influences, kinds by name."""
        kinds = [KINDS[kind] for kind in self.kinds.tolist()]
        columns = (self.parents, self.children, self.p_if_true, self.p_if_false)
        parents, children, p_if_true, p_if_false = (column.tolist() for column in columns)
        return list(zip(parents, children, kinds, p_if_true, p_if_false, strict=True))

    def changed(self, numbers: IntArray, children: Collection[int], added: Self) -> Self:
        """
        Number the claims anew, and replace the influences on some of them.

        Args:
            numbers: New index of each claim, -1 for one that is gone with its influences, shape (n,).
            children: New indices of claims whose incoming influences are replaced.
            added: Influences to add.
        """
        parents, targets = numbers[self.parents], numbers[self.children]
        kept = (parents >= 0) & (targets >= 0) & ~np.isin(targets, np.array(list(children), np.int64))
        columns = [
            np.concatenate([old[kept], new])
            for old, new in (
                (parents, added.parents),
                (targets, added.children),
                (self.kinds, added.kinds),
                (self.p_if_true, added.p_if_true),
                (self.p_if_false, added.p_if_false),
            )
        ]
        order = np.lexsort((columns[2], columns[1], columns[0]))
        return type(self)(*(column[order] for column in columns))


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
        final_rates: Base rates at that moment; NaN for open claims and without a class; shape (n,).
        final_trfs: Time-remaining fractions at that moment; NaN for open claims and without a window; shape (n,).
        calibrations: Shape (n, 5): share, both effects, log-odds of missed check-ins, and the silence until the
            outcome, NaN for open claims; all NaN for claims under foregraph-1.
        influences: Influences with a table.
        families: Families of claims, by name.
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
    final_rates: FloatArray
    final_trfs: FloatArray
    calibrations: FloatArray
    influences: Influences
    families: Sequence[ClaimFamily] = ()


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
        network: Claims, influences, and families: outcomes that exclude each other, and events by several dates.
        without_families: The same without families; the network itself if there are none.
        groups: The families of outcomes that the network includes.
        events: The events by several dates, by the family's name.
        left_out: Names of those of which a claim bears on one of an earlier date, which are not in the network.
        claims: Index of each included claim in the snapshot, shape (n,).
        edges: Index of each of the network's influences in the snapshot, in the network's order.
        evidence: Evidence on each claim.
        inside_weights: Weight of each claim's inside view, shape (n,).
        structure_key: Digest of all that the model depends on.
        evidence_key: Digest of the evidence.
    """

    snapshot: Snapshot
    moment: datetime
    ids: tuple[str, ...]
    indices: Mapping[str, int]
    claims: IntArray
    edges: IntArray
    network: Network
    without_families: Network
    groups: Sequence[Group]
    events: Mapping[str, DatedClaims]
    left_out: frozenset[str]
    evidence: Evidence
    inside_weights: FloatArray
    structure_key: bytes
    evidence_key: bytes

    @property
    def num_influences(self) -> int:
        """Number of the network's influences."""
        return self.edges.size

    def influence_key(self, index: int) -> InfluenceKey:
        """Return the key of one of the network's influences."""
        influences, edge, ids = self.snapshot.influences, self.edges[index], self.snapshot.ids
        kind, parent, child = influences.kinds[edge], influences.parents[edge], influences.children[edge]
        return InfluenceKey(KINDS[kind], ids[parent], ids[child])


@dataclass(frozen=True, slots=True)
class Changed:
    """
    Claims and influences that writes have changed, as they are stored now.

    Attributes:
        state: State of the graph after these writes.
        claim_ids: Ids of the changed claims; those without a row are deleted.
        claims: Rows of the others.
        child_ids: Ids of claims whose incoming influences changed.
        influences: All influences on these.
        families: All families of claims; None where none has changed.
    """

    state: State
    claim_ids: Collection[str] = ()
    claims: Sequence[ClaimRow] = ()
    child_ids: Collection[str] = ()
    influences: Sequence[InfluenceRow] = ()
    families: Sequence[ClaimFamily] | None = None


def make_snapshot(
    state: State,
    claims: Sequence[ClaimRow],
    influences: Iterable[InfluenceRow],
    families: Sequence[ClaimFamily] = (),
) -> Snapshot:
    """
    Make a snapshot of the rows of all claims, by id, and of all influences.

    Args:
        state: State of the graph.
        claims: Rows of the claims, ascending by id.
        influences: Influences with a table, in any order.
        families: Families of claims, by name.
    """
    ids = tuple(row[0] for row in claims)
    indices = {claim_id: index for index, claim_id in enumerate(ids)}
    known = Influences.of(influences, indices)
    return Snapshot(state, ids, indices, influences=known, families=families, **_columns(claims))


def with_rows(snapshot: Snapshot, claims: Sequence[ClaimRow], families: Sequence[ClaimFamily]) -> Snapshot:
    """
    Return a snapshot with other values of the same claims, and other families.

    Args:
        snapshot: Not changed; the result has its claims and influences.
        claims: A row of each claim, in the snapshot's order.
        families: Families of claims, by name.
    """
    columns: dict[str, Any] = _columns(claims)
    return replace(snapshot, families=families, **columns)


def find_different(first: Snapshot, second: Snapshot) -> BoolArray:
    """Return the mask of the claims of which two snapshots of the same claims have different values, shape (n,)."""
    differ = np.zeros(len(first.ids), np.bool_)
    for name in _COLUMNS:
        one, other = getattr(first, name), getattr(second, name)
        # A missing value does not equal itself.
        own = (one != other) & ((one == one) | (other == other))  # noqa: PLR0124
        differ |= own.any(axis=1) if own.ndim > 1 else own
    return differ


def mix(first: Snapshot, second: Snapshot, is_second: BoolArray, families: Sequence[ClaimFamily]) -> Snapshot:
    """
    Return a snapshot with some claims' values of one snapshot, and the others' of another one of the same claims.

    Args:
        first: Not changed.
        second: Not changed; the result has its influences.
        is_second: Mask of the claims that the second gives the values of, shape (n,).
        families: Families of claims, by name.
    """
    columns: dict[str, Any] = {}
    for name in _COLUMNS:
        one, other = getattr(first, name), getattr(second, name)
        columns[name] = np.where(is_second[:, np.newaxis] if one.ndim > 1 else is_second, other, one)
    return replace(second, families=families, **columns)


def patch(snapshot: Snapshot, changed: Changed) -> Snapshot:
    """
    Put changes into a snapshot; the result equals, bit for bit, a snapshot read anew.

    Args:
        snapshot: Not changed; the result shares what is the same with it.
        changed: Everything that changed since.
    """
    gone = set(changed.claim_ids) - {row[0] for row in changed.claims}
    ids, indices, numbers = _renumbered(snapshot, gone, [row[0] for row in changed.claims])
    influences = snapshot.influences
    if changed.child_ids or ids is not snapshot.ids:
        children = {indices[child_id] for child_id in changed.child_ids if child_id in indices}
        influences = influences.changed(numbers, children, Influences.of(changed.influences, indices))
    places = np.array([indices[row[0]] for row in changed.claims], np.int64)
    kept = numbers >= 0
    columns: dict[str, NDArray[Any]] = {}
    for name, new in _columns(changed.claims).items():
        old = getattr(snapshot, name)
        columns[name] = np.empty((len(ids), *old.shape[1:]), old.dtype)
        columns[name][numbers[kept]] = old[kept]
        columns[name][places] = new
    families = snapshot.families if changed.families is None else changed.families
    return Snapshot(changed.state, ids, indices, influences=influences, families=families, **columns)


_COLUMNS: Final = (
    "stated",
    "inside",
    "base_rates",
    "statuses",
    "starts",
    "deadlines",
    "resolved",
    "final_rates",
    "final_trfs",
    "calibrations",
)
"""Attributes of a snapshot that are arrays over claims."""


def _renumbered(
    snapshot: Snapshot, gone: Collection[str], present: Iterable[str]
) -> tuple[tuple[str, ...], Mapping[str, int], IntArray]:
    """Return ids and indices after claims have come and gone, and each old claim's new index, -1 for none."""
    known = snapshot.indices
    added = [claim_id for claim_id in present if claim_id not in known]
    if not added and not any(claim_id in known for claim_id in gone):
        return snapshot.ids, known, np.arange(len(snapshot.ids))
    ids = tuple(sorted([*(claim_id for claim_id in snapshot.ids if claim_id not in gone), *added]))
    indices = {claim_id: index for index, claim_id in enumerate(ids)}
    return ids, indices, np.array([indices.get(claim_id, -1) for claim_id in snapshot.ids], np.int64)


def _columns(claims: Sequence[ClaimRow]) -> dict[str, NDArray[Any]]:
    """Make a snapshot's arrays over claims, by attribute."""
    rows = list(zip(*claims, strict=True)) or [()] * 13
    (
        _,
        stated,
        inside,
        statuses,
        _,
        from_years,
        window_starts,
        window_ends,
        resolved,
        *finals,
        calibrated,
        base_rates,
    ) = rows
    starts, deadlines = windows_of(from_years, window_starts, window_ends)
    status_indices = {status.value: index for index, status in enumerate(STATUSES)}
    return {
        "stated": optional_numbers(stated),
        "inside": optional_numbers(inside),
        "base_rates": optional_numbers(base_rates),
        "statuses": np.array([status_indices[status] for status in statuses], np.int8),
        "starts": starts,
        "deadlines": deadlines,
        "resolved": moments_of(resolved),
        "final_rates": optional_numbers(finals[0]),
        "final_trfs": optional_numbers(finals[1]),
        "calibrations": np.array([row or NOT_CALIBRATED for row in calibrated], np.float64).reshape(-1, 5),
    }


def network_moment(now: datetime) -> datetime:
    """Return the network's moment: the last full hour."""
    return now.replace(minute=0, second=0, microsecond=0)


def make_view(
    snapshot: Snapshot, moment: datetime, known: View | None = None, *, moments: MomentArray | None = None
) -> View:
    """
    Build the network as arrays for a moment.

    Args:
        snapshot: Claims and influences.
        moment: Moment of the time-remaining fractions.
        known: An earlier view, of which what is the same is taken over; the result is equal without it.
        moments: A moment for each of the snapshot's n claims in place of the one for all, shape (n,).
    """
    annulled = STATUSES.index(ClaimStatus.ANNULLED)
    is_included = ~np.isnan(snapshot.stated) & (snapshot.statuses != annulled)
    own = np.full(len(snapshot.ids), utc_moments([moment])[0]) if moments is None else moments
    prior_marginals, log_odds, weights = _prior_marginals(snapshot, is_included, own[is_included])
    inside = snapshot.inside[is_included]
    check_ins = np.nan_to_num(snapshot.calibrations[is_included, 3])
    llr = np.where(np.isnan(inside), 0.0, weights * (np.nan_to_num(inside) - check_ins - log_odds))
    evidence = make_evidence(llr, _outcomes(snapshot.statuses[is_included]))
    layout = _Layout.of(snapshot, is_included, known)
    without_families = layout.network(snapshot, is_included, prior_marginals, known)
    groups: Sequence[Group] = find_groups(snapshot.families, layout.indices, evidence.observed)
    events: Mapping[str, DatedClaims] = find_events(
        snapshot.families,
        layout.indices,
        evidence.observed,
        (snapshot.deadlines[is_included], snapshot.resolved[is_included]),
        {claim for group in groups for claim in group.claims.tolist()},
    )
    is_same = known is not None and without_families is known.without_families
    if known and is_same and same_groups(groups, known.groups) and same_events(events, known.events):
        groups, events, left_out, network = known.groups, known.events, known.left_out, known.network
    else:
        network, joined = join_dates(join_groups(without_families, groups), list(events.values()))
        left_out = frozenset(name for name, event in events.items() if not any(event is one for one in joined))
    return View(
        snapshot=snapshot,
        moment=moment,
        ids=layout.ids,
        indices=layout.indices,
        claims=layout.claims,
        edges=layout.edges,
        network=network,
        without_families=without_families,
        groups=groups,
        events=events,
        left_out=left_out,
        evidence=evidence,
        inside_weights=weights,
        structure_key=known.structure_key if known and network is known.network else _structure_key(network),
        evidence_key=_digest(evidence.llr, evidence.observed),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Claims and influences that a view includes, attributes as of `View`; and whether a known view has the same."""

    ids: tuple[str, ...]
    indices: Mapping[str, int]
    claims: IntArray
    edges: IntArray
    has_same_ids: bool
    has_same_influences: bool

    @classmethod
    def of(cls, snapshot: Snapshot, is_included: BoolArray, known: View | None) -> Self:
        claims = np.flatnonzero(is_included)
        influences = snapshot.influences
        has_same_ids = known is not None and known.snapshot.ids is snapshot.ids and np.array_equal(known.claims, claims)
        if known is not None and has_same_ids and known.snapshot.influences is influences:
            return cls(known.ids, known.indices, known.claims, known.edges, has_same_ids, has_same_influences=True)
        edges = np.flatnonzero(is_included[influences.parents] & is_included[influences.children])
        if known is not None and has_same_ids:
            return cls(known.ids, known.indices, known.claims, edges, has_same_ids, has_same_influences=False)
        ids = tuple(snapshot.ids[index] for index in claims.tolist())
        indices = {claim_id: index for index, claim_id in enumerate(ids)}
        return cls(ids, indices, claims, edges, has_same_ids=False, has_same_influences=False)

    def network(
        self, snapshot: Snapshot, is_included: BoolArray, prior_marginals: FloatArray, known: View | None
    ) -> Network:
        stated = snapshot.stated[is_included]
        if known is not None and self.has_same_influences:
            return with_probabilities(known.without_families, stated, prior_marginals)
        numbers = np.cumsum(is_included) - 1
        influences = snapshot.influences
        return build_network(
            stated=stated,
            prior_marginals=prior_marginals,
            keys=known.without_families.keys if known is not None and self.has_same_ids else claim_keys(self.ids),
            parents=numbers[influences.parents[self.edges]],
            children=numbers[influences.children[self.edges]],
            p_if_true=influences.p_if_true[self.edges],
            p_if_false=influences.p_if_false[self.edges],
        )


def _prior_marginals(
    snapshot: Snapshot, is_included: BoolArray, moments: MomentArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compute prior marginals, stated log-odds and inside weights; resolved claims keep those of their resolution."""
    is_closed = ~np.isnat(snapshot.resolved[is_included])
    trfs = time_remaining_fractions(snapshot.starts[is_included], snapshot.deadlines[is_included], moments)
    trfs = np.where(is_closed, snapshot.final_trfs[is_included], trfs)
    base_rates = np.where(is_closed, snapshot.final_rates[is_included], snapshot.base_rates[is_included])
    log_odds = logits(snapshot.stated[is_included])
    calibrations = snapshot.calibrations[is_included]
    is_calibrated = ~np.isnan(calibrations[:, 0])
    prior_marginals = posteriors(log_odds, base_rates=base_rates, trfs=trfs)
    if is_calibrated.any():
        chosen = np.flatnonzero(is_included)[is_calibrated]
        prior_marginals[is_calibrated] = _calibrated(
            snapshot, chosen, base_rates[is_calibrated], moments[is_calibrated]
        )
    is_blended = ~np.isnan(base_rates) & ~np.isnan(trfs) & ~is_calibrated
    weights = np.where(is_blended, 1.0 - POLICY.outside_weight * np.nan_to_num(trfs), 1.0)
    return prior_marginals, log_odds, weights


def _calibrated(snapshot: Snapshot, chosen: IntArray, base_rates: FloatArray, moments: MomentArray) -> FloatArray:
    """Compute prior marginals under foregraph-2: each prior, and the silence until its moment or the outcome."""
    shares, intercepts, slopes, _, final_silences = snapshot.calibrations[chosen].T
    claims = StatedClaims(
        snapshot.stated[chosen],
        np.full(chosen.size, np.datetime64("NaT"), "datetime64[us]"),
        snapshot.starts[chosen],
        snapshot.deadlines[chosen],
        base_rates,
        intercepts,
        slopes,
    )
    log_odds = logits(claims.stated)
    basis = Basis(claims, log_odds, np.zeros(chosen.size), shares, np.ones(chosen.size, np.bool_))
    silences = np.where(np.isnan(final_silences), basis.silence(moments), final_silences)
    return np.clip(sigmoids(basis.prior() + silences), LEAST_PROBABILITY, GREATEST_PROBABILITY)


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
        network.weights,
        network.is_certain,
        network.dated.numbers,
        network.dated.denies,
        network.dated.is_tied,
    )


def _digest(*arrays: NDArray[Any]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()
