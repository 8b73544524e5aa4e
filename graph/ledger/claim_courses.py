"""Histories of many claims at once, as arrays: what `claim_history` has of each claim by itself."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, chain, groupby
from operator import itemgetter
from typing import Any, Final

import numpy as np

from graph.database.paging import slices
from graph.database.sessions import Unit
from graph.inference.courses import Courses, starts_of
from graph.inference.log_odds import logit
from graph.inference.time import microseconds_of, moment_of, moments_of, window_of
from graph.ledger.claim_history import ListedVersions, list_sections, list_versions_of
from graph.ledger.claim_state import RULE_PROPERTIES, Ground, Rules, basis_of, outside_view
from graph.ledger.settings import check_policy
from graph.ledger.versions import BATCH_NODES
from graph.model.kinds import ClaimStatus
from graph.model.page_keys import ranges

_MOMENTS: Final = ("resolved_at", "window_start", "window_end", "setting_at")
_NAMES: Final = (
    "id",
    "stated_probability",
    "status",
    "from_year",
    "reference_class_id",
    "num_evidence",
    "num_versions",
    *(name for name in RULE_PROPERTIES if name not in _MOMENTS),
)
_CLASS_NAMES: Final = ("base_rate", "num_versions")

PAGE_ROWS: Final = 5_000
"""Claims and ledger rows that a statement reads, some 20 ms to take in."""

_UNSTATED: Final = Ground(0.5, 0.0, 0.0, None, None, Rules())
"""Stands in the arrays where no probability was stated."""


@dataclass(frozen=True, slots=True, eq=False)
class ClaimCourses:
    """
    Histories of claims with a stated probability.

    Attributes:
        ids: The claims' ids, ascending.
        courses: Their histories, in this order.
        entry_ids: The ids of their ledgers' rows, one claim after the other, each in the ledger's order.
    """

    ids: tuple[str, ...]
    courses: Courses
    entry_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Current:
    """A claim's present values, and whether its belief has followed from other ones than these."""

    claim_id: str
    ground: Ground
    resolved_at: datetime | None
    outcome: float
    num_evidence: int
    is_revised: bool
    is_set: bool

    @classmethod
    def of(cls, own: Mapping[str, Any], base_rate: float | None, num_class_versions: int | None) -> "_Current":
        """Make it of properties of the claim, moments in microseconds, and of its class."""
        moments = {name: moment_of(own[name]) for name in _MOMENTS}
        rules = Rules.from_properties({**own, **moments})
        window = window_of(own["from_year"], moments["window_start"], moments["window_end"])
        outside = outside_view(own["reference_class_id"], base_rate)
        stated = own["stated_probability"]
        ground = Ground(stated, logit(stated), 0.0, window, outside, rules)
        is_set = rules.since is not None
        has_earlier = max(own["num_versions"] or 1, num_class_versions or 1) > 1
        known = ClaimStatus(own["status"]).known_value
        outcome = np.nan if known is None else known
        num_evidence = own["num_evidence"] or 0
        return cls(own["id"], ground, moments["resolved_at"], outcome, num_evidence, has_earlier or is_set, is_set)


async def load_courses(unit: Unit, claim_ids: Iterable[str], policy: str | None = None) -> ClaimCourses:
    """
    Load the histories of claims; ids without a claim and claims without a stated probability are left out.

    Args:
        unit: The transaction to read in.
        claim_ids: The claims.
        policy: The name of the policy to compute beliefs by; None for the one in force at each moment.

    Raises:
        InvalidError: No policy has the name.
    """
    if policy is not None:
        check_policy(policy)
    current: list[_Current] = []
    for part in slices(sorted(set(claim_ids)), BATCH_NODES):
        (answer,) = await unit.run(
            "ledger/list_current", ids=part, names=_NAMES, moments=_MOMENTS, class_names=_CLASS_NAMES
        )
        current += await asyncio.to_thread(_read_current, answer["columns"])
    is_set = any(claim.is_set for claim in current)
    versions = await list_versions_of(unit, [claim.claim_id for claim in current if claim.is_revised], is_set=is_set)
    ledgers = await _list_sums(unit, current)
    return await asyncio.to_thread(_join, current, versions, ledgers, policy)


def _read_current(columns: Sequence[Sequence[Any]]) -> list[_Current]:
    num_own = len(_NAMES) + len(_MOMENTS)
    keys = (*_NAMES, *_MOMENTS)
    return [
        _Current.of(dict(zip(keys, row[:num_own], strict=True)), *row[num_own:]) for row in zip(*columns, strict=True)
    ]


async def _list_sums(unit: Unit, current: Sequence[_Current]) -> list[list[Any]]:
    """List claims' ledger rows in columns: the claim's place, the id, the moment, and the sums after each."""
    columns: list[list[Any]] = [[] for _ in range(5)]
    bounds = enumerate(ranges(claim.claim_id for claim in current))
    # A claim costs a seek, and some have long ledgers.
    pages = [num_rows // PAGE_ROWS for num_rows in accumulate(1 + claim.num_evidence for claim in current)]
    for _, page in groupby(zip(pages, bounds, strict=True), itemgetter(0)):
        (answer,) = await unit.run("ledger/list_sums", claims=[{**own, "index": index} for _, (index, own) in page])
        for column, found in zip(columns, answer["columns"], strict=True):
            column.extend(found)
    return columns


def _join(
    current: Sequence[_Current], versions: ListedVersions, ledgers: Sequence[list[Any]], policy: str | None
) -> ClaimCourses:
    listed = [list_sections(claim.ground, claim.resolved_at, versions.of(claim.claim_id), policy) for claim in current]
    sections = list(chain.from_iterable(listed))
    owners, entry_ids, recorded, log_odds, check_ins = ledgers
    courses = Courses(
        piece_starts=np.cumsum([0, *map(len, listed)]),
        sinces=moments_of([microseconds_of(since) for since, _, _ in sections]),
        untils=moments_of([microseconds_of(until) for _, _, until in sections]),
        is_stated=np.array([ground is not None for _, ground, _ in sections], np.bool_),
        basis=basis_of([_UNSTATED if ground is None else ground for _, ground, _ in sections]),
        row_starts=starts_of(np.array(owners, np.int64), len(current)),
        recorded=moments_of(recorded),
        log_odds=np.array(log_odds, np.float64),
        check_ins=np.array(check_ins, np.float64),
        outcomes=np.array([claim.outcome for claim in current], np.float64),
    )
    return ClaimCourses(tuple(claim.claim_id for claim in current), courses, entry_ids)
