"""Claims' beliefs over time, from their whole ledgers and all versions of what else they follow from."""

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any, Final

import numpy as np

from graph.database.paging import slices
from graph.database.sessions import Unit
from graph.inference.history import Calibration, Course, Curve, Piece, Trail, belief_curve, course_beliefs_at
from graph.inference.log_odds import logit
from graph.inference.time import EPOCH, moment_of, utc_moments, window_of
from graph.ledger.claim_state import ClaimState, Ground, outside_view
from graph.ledger.settings import GRAPH_ID, NO_SETTING, Setting, check_policy, rules_under
from graph.ledger.versions import BATCH_NODES
from graph.model.page_keys import ranges
from graph.model.versions import CLAIM_VERSIONS, CLASS_VERSIONS, GRAPH_VERSIONS, Versioned, version_anchor

Rows = Sequence[Mapping[str, Any]]
"""Properties of nodes."""

Section = tuple[datetime, Ground | None, datetime | None]
"""
When a section of a claim's history begins, what the belief in it follows from besides the ledger, None while no
probability was stated, and the moment of the outcome that was known, None for an open claim.
"""

_MOMENTS: Final = frozenset({"resolved_at", "window_start", "window_end", "deadline"})
"""Properties of versions that are moments."""


@dataclass(frozen=True, slots=True)
class ClaimHistory:
    """
    A claim with a stated probability, its whole ledger, and its course.

    Attributes:
        state: The claim's state.
        rows: The properties of its ledger's rows, in the ledger's order.
        course: Everything that its belief followed from, as it was recorded over time.
    """

    state: ClaimState
    rows: Rows
    course: Course

    @property
    def base_rate(self) -> float | None:
        """The outside view; None without a reference class."""
        return None if self.state.outside_view is None else self.state.outside_view.base_rate

    def belief_at(self, moment: datetime) -> float:
        """Compute the belief at a moment from what was recorded by then; NaN before a probability was stated."""
        return float(course_beliefs_at(self.course, utc_moments([moment]))[0])

    def settled_at(self, by: datetime) -> datetime | None:
        """
        Return since when the belief no longer changes, by what was recorded by a moment; None if it was open then.

        That is when an outcome had come and was recorded.
        """
        recorded = [piece for piece in self.course[1:] if piece.since <= by]
        last = recorded[-1] if recorded else self.course[0]
        if last.until is None:
            return None
        return max(last.until, last.since) if recorded else last.until

    def curve(self, start: datetime, end: datetime, *, max_points: int) -> Curve:
        """Compute the curve of the belief from one moment to another, or as long as it changes."""
        settled = self.settled_at(end)
        last = end if settled is None else min(end, settled)
        return belief_curve(self.course, min(start, last), last, max_points=max_points)


async def load_histories(unit: Unit, claim_ids: Iterable[str], policy: str | None = None) -> dict[str, ClaimHistory]:
    """
    Load the histories of claims by id; ids without a claim and claims without a stated probability are left out.

    Args:
        unit: The transaction to read in.
        claim_ids: The claims.
        policy: The name of the policy to compute beliefs by; None for the one in force at each moment.

    Raises:
        InvalidError: No policy has the name.
    """
    if policy is not None:
        check_policy(policy)
    ids = sorted(set(claim_ids))
    claims = await unit.run("ledger/list_claim_states", ids=ids)
    ledgers = {row["id"]: row["rows"] for row in await unit.run("ledger/list_ledgers", claims=ranges(ids))}
    states = [ClaimState.from_row(row) for row in claims]
    revised = [state.claim_id for state in states if state.recorded.has_earlier or state.rules.since is not None]
    versions = await list_versions_of(unit, revised, is_set=any(state.rules.since is not None for state in states))
    return {
        state.claim_id: ClaimHistory(
            state,
            ledgers[state.claim_id],
            make_course(state, ledgers[state.claim_id], versions.of(state.claim_id), policy=policy),
        )
        for state in states
        if state.stated_probability is not None
    }


@dataclass(frozen=True, slots=True)
class ListedVersions:
    """
    Versions of many claims, and of what else their beliefs followed from, each list in the order of recording.

    Attributes:
        claims: Of the claims, by id.
        classes: Of the classes that they have been in, by id.
        settings: Of the graph.
    """

    claims: Mapping[str, Rows]
    classes: Mapping[str, Rows]
    settings: Sequence[Setting]

    def of(self, claim_id: str) -> "Versions":
        """Return those that a claim's belief followed from."""
        return Versions(self.claims.get(claim_id, ()), self.classes, self.settings)


async def list_versions_of(unit: Unit, claim_ids: Iterable[str], *, is_set: bool) -> ListedVersions:
    """
    List the versions of claims, and of what else their beliefs followed from.

    Args:
        unit: The transaction to read in.
        claim_ids: The claims.
        is_set: Whether the graph has had a setting.
    """
    settings = (await _list_versions(unit, GRAPH_VERSIONS, [GRAPH_ID])).get(GRAPH_ID, ()) if is_set else ()
    claims = await _list_versions(unit, CLAIM_VERSIONS, claim_ids)
    class_ids = {row["reference_class_id"] for rows in claims.values() for row in rows}
    classes = await _list_versions(unit, CLASS_VERSIONS, class_ids - {None})
    return ListedVersions(claims, classes, [Setting.from_properties(row, row["recorded_at"]) for row in settings])


async def _list_versions(unit: Unit, versioned: Versioned, ids: Iterable[str]) -> Mapping[str, Rows]:
    """List the versions of nodes by id, each with all the properties that may be recorded; those without any lack."""
    listed = sorted(ids)
    names = [name for name in versioned.properties if name not in _MOMENTS]
    moments = ["recorded_at", *(name for name in versioned.properties if name in _MOMENTS)]
    found: dict[str, list[Mapping[str, Any]]] = {}
    for part in slices(listed, BATCH_NODES):
        asked = [
            {**bounds, "index": index}
            for index, bounds in enumerate(ranges(version_anchor(versioned.subject, node_id) for node_id in part))
        ]
        (answer,) = await unit.run("ledger/list_versions", nodes=asked, names=names, moments=moments)
        rows = await asyncio.to_thread(_read_versions, names, moments, answer["columns"])
        for index, row in rows:
            found.setdefault(part[index], []).append(row)
    return found


def _read_versions(
    names: Sequence[str], moments: Sequence[str], columns: Sequence[Sequence[Any]]
) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the place of each version's node, and the version."""
    places, *values = columns
    values[len(names) :] = [list(map(moment_of, column)) for column in values[len(names) :]]
    keys = (*names, *moments)
    return [(place, dict(zip(keys, row, strict=True))) for place, *row in zip(places, *values, strict=True)]


@dataclass(frozen=True, slots=True)
class Versions:
    """
    Versions that a claim's belief followed from, each list in the order of recording.

    Attributes:
        claim: Of the claim; none if neither it, its class nor the graph's setting has ever been another.
        classes: Of the classes that it has been in, by id.
        settings: Of the graph.
    """

    claim: Rows = ()
    classes: Mapping[str, Rows] = field(default_factory=dict)
    settings: Sequence[Setting] = ()


def make_course(
    state: ClaimState,
    rows: Rows,
    versions: Versions,
    before: Mapping[str, Any] | None = None,
    *,
    policy: str | None = None,
) -> Course:
    """
    Make a claim's course.

    Args:
        state: The claim's state, with a stated probability.
        rows: `recorded_at`, `inside_log_odds` and `check_in_log_odds` of its ledger's rows, in the ledger's order.
        versions: What it followed from.
        before: The last ledger row before these; None where they are all.
        policy: The name of the policy to compute beliefs by; None for the one in force at each moment.

    Raises:
        InvalidError: No policy has the name.
    """
    trails = _Trails(rows, before)
    sections = list_sections(state.ground(), state.resolved_at, versions, policy)
    return tuple(trails.piece(*section) for section in sections)


def list_sections(
    present: Ground | None, resolved_at: datetime | None, versions: Versions, policy: str | None = None
) -> list[Section]:
    """
    List the sections of a claim's history, within which only evidence and time move the belief.

    Args:
        present: What its belief follows from now; the evidence has no part in it.
        resolved_at: The moment of its outcome; None for an open claim.
        versions: What it followed from.
        policy: The name of the policy to compute beliefs by; None for the one in force at each moment.
    """
    if not versions.claim:
        return [(EPOCH, _under(policy, present), resolved_at)]
    moments = {row["recorded_at"] for row in versions.claim}
    for class_id in {row["reference_class_id"] for row in versions.claim}:
        changes = {row["recorded_at"] for row in versions.classes.get(class_id, ())}
        moments |= {moment for moment in changes if _follows(_by(versions.claim, moment), class_id, moment)}
    changes = {setting.since for setting in versions.settings if setting.since is not None}
    moments |= {moment for moment in changes if _is_open(_by(versions.claim, moment), moment)}
    return [_section(since, versions, policy) for since in sorted(moments)]


def _under(policy: str | None, ground: Ground | None) -> Ground | None:
    """Return what a belief follows from under a policy."""
    if ground is None or policy is None:
        return ground
    return replace(ground, rules=rules_under(policy, ground.rules, ground.window))


def _follows(version: Mapping[str, Any], class_id: str | None, moment: datetime) -> bool:
    """Whether a change of a class moves the belief of a claim: it is in the class, and has no outcome yet."""
    return version["reference_class_id"] == class_id and _is_open(version, moment)


def _is_open(version: Mapping[str, Any], moment: datetime) -> bool:
    resolved_at = version["resolved_at"]
    return resolved_at is None or moment < resolved_at


def _section(since: datetime, versions: Versions, policy: str | None) -> Section:
    """Make the section that begins at a moment, from what was recorded by then, or by the outcome known then."""
    outcome_at = _by(versions.claim, since)["resolved_at"]
    by = since if outcome_at is None else min(since, outcome_at)
    version = _by(versions.claim, by)
    stated = version["stated_probability"]
    if stated is None:
        return since, None, outcome_at
    rates = versions.classes.get(version["reference_class_id"], ())
    window = window_of(version["from_year"], version["window_start"], version["window_end"])
    effects = version["intercept_effect"] or 0.0, version["slope_effect"] or 0.0
    outside = outside_view(version["reference_class_id"], _by(rates, by)["base_rate"] if rates else None)
    rules = _setting(versions.settings, by).rules(window, effects)
    return since, _under(policy, Ground(stated, logit(stated), 0.0, window, outside, rules)), outcome_at


def _setting(settings: Sequence[Setting], by: datetime) -> Setting:
    """Return the setting that was recorded last by a moment, else the first."""
    if not settings:
        return NO_SETTING
    return settings[max(0, bisect_right(settings, by, key=attrgetter("since")) - 1)]


def _by(versions: Rows, moment: datetime) -> Mapping[str, Any]:
    """Return the version that was recorded last by a moment, else the first."""
    return versions[max(0, bisect_right(versions, moment, key=itemgetter("recorded_at")) - 1)]


class _Trails:
    """Makes pieces that share one ledger."""

    def __init__(self, rows: Rows, before: Mapping[str, Any] | None) -> None:
        self._moments = utc_moments([row["recorded_at"] for row in rows])
        self._log_odds = np.array([row["inside_log_odds"] for row in rows], dtype=np.float64)
        check_ins = [row.get("check_in_log_odds") or 0.0 for row in ({} if before is None else before, *rows)]
        self._check_ins = np.array(check_ins, dtype=np.float64)
        self._before = None if before is None else before["inside_log_odds"]

    def piece(self, since: datetime, ground: Ground | None, until: datetime | None) -> Piece:
        """Make a piece from what the belief follows from besides the ledger; None while no probability was stated."""
        if ground is None:
            return Piece(since, None, until)
        stated, outside = logit(ground.stated_probability), ground.outside_view
        calibration = None
        if ground.rules.is_calibrated:
            calibration = Calibration(ground.basis().claims, ground.rules.share, self._check_ins)
        trail = Trail(
            stated if self._before is None else self._before,
            self._moments,
            self._log_odds,
            ground.window,
            None if outside is None else outside.base_rate,
            calibration,
        )
        return Piece(since, trail, until)
