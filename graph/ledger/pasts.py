"""
Claims as they were: what was true at one moment, by what was recorded by another.

A belief follows from the version of its claim, that of its class and the ledger rows that were recorded by the moment.
Once an outcome is recorded, the belief is that of the moment of the outcome for good.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from graph.database.sessions import Unit
from graph.inference.log_odds import logit
from graph.ledger.claim_state import (
    Asked,
    Belief,
    ClaimState,
    FinalView,
    Ground,
    Recorded,
    Rules,
    Window,
    derive_rows,
    past_name,
    trf_at,
    views_of,
)
from graph.ledger.settings import Setting, list_settings
from graph.ledger.versions import Terms, list_terms
from graph.model.kinds import ClaimStatus
from graph.model.page_keys import AFTER_MARK, CHANGE_DAYS, join, moment_text
from graph.model.properties import from_properties
from graph.model.rows import Evidence


class PastKey(NamedTuple):
    """
    A question about a claim.

    Attributes:
        claim_id: The claim.
        as_of: The moment that the answer holds for.
        known_at: The moment by which what it follows from was recorded.
    """

    claim_id: str
    as_of: datetime
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Past:
    """
    A claim as it was at a moment.

    Attributes:
        terms: What its belief followed from.
        moment: The moment that the belief holds for: that of the outcome where one was known.
        status: The status.
        is_reconstructed: Whether it follows from values that were recorded later than asked for.
        window: The window, which may have been edited after the outcome; None without one.
        deadline: The deadline, likewise.
    """

    terms: Terms
    moment: datetime
    status: ClaimStatus
    is_reconstructed: bool
    window: Window | None
    deadline: datetime | None

    def belief(self, rules: Rules | None = None) -> Belief | None:
        """
        Compute the belief; None where no probability was stated.

        Args:
            rules: The rules to compute it by; those in force then when absent.
        """
        ground = self.terms.ground()
        if ground is None:
            return None
        return (ground if rules is None else replace(ground, rules=rules)).belief(self.moment)

    def ask(self) -> Asked:
        """Return what the belief follows from; `views_of` computes many at a time."""
        ground = self.terms.ground()
        return None if ground is None else (ground, self.moment)

    def prior(self) -> Belief | None:
        """Compute the belief that there would be without any evidence; None where no probability was stated."""
        ground = self.terms.ground()
        if ground is None:
            return None
        return replace(ground, log_odds=logit(ground.stated_probability), check_ins=0.0).belief(self.moment)

    def trf(self) -> float | None:
        """Compute the time-remaining fraction; None without a window."""
        return trf_at(self.terms.window, self.moment)


LedgerSum = tuple[float, float]
"""Inside log-odds after a ledger row, and the part of them that comes from missed check-ins."""


def is_present(state: ClaimState, as_of: datetime, known_at: datetime) -> bool:
    """Whether a claim's present values and rules, apart from its ledger, are those of a moment in the past."""
    return is_recorded(state.recorded, as_of, known_at) and state.rules.is_by(as_of)


def is_recorded(recorded: Recorded, as_of: datetime, known_at: datetime) -> bool:
    """Whether present values answer a question: they were recorded by then, or there have never been others."""
    return as_of == known_at and (not recorded.has_earlier or recorded.is_by(as_of))


def state_at(state: ClaimState, ledger: LedgerSum | None, moment: datetime) -> ClaimState:
    """
    Return a state whose values are those of a moment, with the evidence recorded by then.

    Args:
        state: The state, of which `is_present` holds.
        ledger: After the last ledger row recorded by then; None before any.
        moment: The moment.
    """
    if state.resolved_at is not None and state.resolved_at > moment:
        state = replace(state, status=ClaimStatus.OPEN, resolved_at=None, final=None)
    if state.stated_probability is None:
        return state
    log_odds, check_ins = (logit(state.stated_probability), 0.0) if ledger is None else ledger
    return replace(state, inside_log_odds=log_odds, check_ins=check_ins)


Ledger = Sequence[tuple[datetime, LedgerSum]]
"""When each row of a claim's ledger was recorded, ascending, and the sums after it."""

Ledgers = Mapping[str, Ledger]
"""Ledgers by the ids of their claims."""


async def list_pasts(unit: Unit, asked: Sequence[PastKey], ledgers: Ledgers | None = None) -> list[Past | None]:
    """
    Return claims as they were, for any number of questions by at most three statements.

    Args:
        unit: The transaction to read in.
        asked: The questions.
        ledgers: The ledgers of the claims; None for what is stored of them.

    Returns:
        The answer to each; None for a claim without versions.
    """
    known = await list_terms(unit, [(key.claim_id, key.known_at) for key in asked])
    moments = [_moment(key, terms) for key, terms in zip(asked, known, strict=True)]
    earlier = [
        place
        for place, (key, terms) in enumerate(zip(asked, known, strict=True))
        if terms is not None and moments[place] < key.known_at
    ]
    terms_then = list(known)
    found = await list_terms(unit, [(asked[place].claim_id, moments[place]) for place in earlier])
    for place, terms in zip(earlier, found, strict=True):
        terms_then[place] = terms
    late = [place for place in earlier if moments[place] == asked[place].as_of]
    for place, rows in zip(late, await _list_ledgers(unit, [asked[place] for place in late]), strict=True):
        terms_then[place] = _with_evidence(terms_then[place], rows)
    if ledgers is not None:
        terms_then = [
            None if terms is None else _with_sum(terms, _sum_by(ledgers[key.claim_id], moment))
            for key, terms, moment in zip(asked, terms_then, moments, strict=True)
        ]
    return [_past(*entry) for entry in zip(asked, known, terms_then, moments, strict=True)]


async def list_finals(
    unit: Unit, states: Sequence[ClaimState], ledgers: Ledgers | None = None
) -> list[FinalView | None]:
    """
    Return what the beliefs in closed claims follow from: all as it was recorded by the moment of the outcome.

    Args:
        unit: The transaction to read in.
        states: The claims, with all evidence; of open ones it is None.
        ledgers: As of `list_pasts`.
    """
    closed = [(state, state.resolved_at) for state in states if state.resolved_at is not None]
    earlier = [(state.claim_id, at) for state, at in closed if not _has_values_of(state, at, ledgers)]
    settings = await _list_settings_of(unit, [(state, at) for state, at in closed if not state.rules.is_by(at)])
    found = await list_terms(unit, earlier) if earlier else []
    terms_of = dict(zip((claim_id for claim_id, _ in earlier), found, strict=True))
    return views_of(
        [
            None if state.resolved_at is None else _ask_final(state, state.resolved_at, terms_of, settings, ledgers)
            for state in states
        ]
    )


async def _list_settings_of(unit: Unit, closed: Sequence[tuple[ClaimState, datetime]]) -> Mapping[datetime, Setting]:
    """List the settings by the moments of outcomes."""
    moments = sorted({at for _, at in closed})
    return dict(zip(moments, await list_settings(unit, moments), strict=True)) if moments else {}


def _has_values_of(state: ClaimState, at: datetime, ledgers: Ledgers | None) -> bool:
    """Whether a closed claim's present values, apart from its rules, are those at the moment of its outcome."""
    has_later_rows = ledgers is None and state.last_recorded_at is not None and state.last_recorded_at > at
    return not has_later_rows and is_recorded(state.recorded, at, at)


def _ask_final(
    state: ClaimState,
    at: datetime,
    terms_of: Mapping[str, Terms | None],
    settings: Mapping[datetime, Setting],
    ledgers: Ledgers | None,
) -> Asked:
    """Return what the belief in a closed claim follows from, all as it was recorded by the moment of the outcome."""
    terms = terms_of.get(state.claim_id)
    found = None if ledgers is None else _sum_by(ledgers[state.claim_id], at)
    if terms is not None and terms.stated_probability is not None:
        ground = (terms if ledgers is None else _with_sum(terms, found)).ground()
        return None if ground is None else (ground, at)
    if state.stated_probability is None:
        return None
    if ledgers is None:
        found = state.inside_log_odds or 0.0, state.check_ins
    rules = settings[at].rules(state.window, state.rules.effects) if at in settings else state.rules
    return ground_of(state, rules, found), at


async def stored_pasts(
    unit: Unit, states: Sequence[ClaimState], ledgers: Ledgers, moment: datetime
) -> dict[str, dict[str, Any]]:
    """
    Return the posteriors that claims' nodes store of the past, each by what was recorded by then.

    Args:
        unit: The transaction to read in.
        states: The claims, with all evidence.
        ledgers: Their ledgers.
        moment: The moment that the days are counted back from.

    Returns:
        The properties of each node, by id.
    """
    settings = await _settings_then(unit, states, moment)
    thens = [moment - timedelta(days=days) for days in CHANGE_DAYS]
    others = [
        PastKey(state.claim_id, then, then)
        for state in states
        for then in thens
        if not is_recorded(state.recorded, then, then)
    ]
    found = dict(zip(others, await list_pasts(unit, others, ledgers) if others else [], strict=True))
    asked: list[Asked] = []
    for state in states:
        for then, setting in zip(thens, settings, strict=True):
            past = found.get(PastKey(state.claim_id, then, then))
            asked.append(past.ask() if past else ask_at(state, ledgers[state.claim_id], then, setting))
    stored = iter([None if view is None else view.probability() for view in views_of(asked)])
    return {state.claim_id: {past_name(days): next(stored) for days in CHANGE_DAYS} for state in states}


async def _settings_then(unit: Unit, states: Sequence[ClaimState], moment: datetime) -> Sequence[Setting | None]:
    """Return the graph's settings of the days counted back; None where it has never had any."""
    if all(state.rules.since is None for state in states):
        return [None] * len(CHANGE_DAYS)
    return await list_settings(unit, [moment - timedelta(days=days) for days in CHANGE_DAYS])


def ground_of(state: ClaimState, rules: Rules, ledger: LedgerSum | None) -> Ground:
    """
    Return what a belief follows from by a claim's present values.

    Args:
        state: The claim, of which a probability was stated.
        rules: The rules to compute it by.
        ledger: After the last ledger row that counts; None before any.
    """
    stated = state.stated_probability or 0.0
    log_odds, check_ins = (logit(stated), 0.0) if ledger is None else ledger
    return Ground(stated, log_odds, check_ins, state.window, state.outside_view, rules)


def ask_at(state: ClaimState, ledger: Ledger, moment: datetime, setting: Setting | None = None) -> Asked:
    """
    Return what the belief at a moment follows from, in a claim whose values are those of that moment.

    Args:
        state: The claim, with all evidence and its final view if it is closed.
        ledger: Its ledger.
        moment: The moment.
        setting: The graph's setting then; None for the present one.
    """
    if state.stated_probability is None:
        return None
    is_closed = state.resolved_at is not None and state.resolved_at <= moment
    if is_closed and state.final is not None:
        return state.final
    rules = state.rules if setting is None else setting.rules(state.window, state.rules.effects)
    return ground_of(state, rules, _sum_by(ledger, moment)), state.capped_at_outcome(moment)


def final_of(state: ClaimState, ledger: Ledger) -> FinalView | None:
    """Return the final view of a closed claim whose values are those at the moment of the outcome."""
    at = state.resolved_at
    if at is None or state.stated_probability is None:
        return None
    return ground_of(state, state.rules, _sum_by(ledger, at)).final_view(at)


def _sum_by(ledger: Ledger, moment: datetime) -> LedgerSum | None:
    num_rows = bisect_right(ledger, moment, key=itemgetter(0))
    return ledger[num_rows - 1][1] if num_rows else None


def _moment(key: PastKey, known: Terms | None) -> datetime:
    """Return the moment that an answer holds for: that of the outcome, if it was known and had come by then."""
    if known is None or known.resolved_at is None:
        return key.as_of
    return min(key.as_of, known.resolved_at)


async def _list_ledgers(unit: Unit, asked: Sequence[PastKey]) -> list[list[Evidence]]:
    """List the ledger rows of which the observation had been made by one moment, and which are recorded by another."""
    if not asked:
        return []
    claims = [
        {
            "id": str(place),
            "low": join(key.claim_id, ""),
            "high": join(key.claim_id, moment_text(key.known_at)) + AFTER_MARK,
        }
        for place, key in enumerate(asked)
    ]
    found = {row["id"]: row["rows"] for row in await unit.run("ledger/list_ledgers", claims=claims)}
    ledgers = [[from_properties(Evidence, row) for row in found[str(place)]] for place in range(len(asked))]
    return [[row for row in rows if row.observed_at <= key.as_of] for key, rows in zip(asked, ledgers, strict=True)]


def _with_sum(terms: Terms, found: LedgerSum | None) -> Terms:
    log_odds, check_ins = (None, 0.0) if found is None else found
    return replace(terms, log_odds=log_odds, check_ins=check_ins)


def _with_evidence(terms: Terms | None, rows: Sequence[Evidence]) -> Terms | None:
    if terms is None or terms.stated_probability is None:
        return terms
    derived = derive_rows(rows, inside_log_odds=logit(terms.stated_probability))
    last = derived[-1] if derived else None
    log_odds = None if last is None else last.inside_log_odds
    return replace(terms, log_odds=log_odds, check_ins=0.0 if last is None else last.check_in_log_odds)


def _past(key: PastKey, known: Terms | None, then: Terms | None, moment: datetime) -> Past | None:
    if known is None or then is None:
        return None
    is_closed = known.resolved_at is not None and known.resolved_at <= key.as_of
    status = known.status if is_closed else ClaimStatus.OPEN
    told = known if is_closed else then
    return Past(then, moment, status, told.is_reconstructed, told.window, told.deadline)
