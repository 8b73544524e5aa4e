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
    Belief,
    ClaimState,
    FinalView,
    Recorded,
    Rules,
    Window,
    derive_rows,
    past_name,
    trf_at,
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
    earlier = [
        (state, state.resolved_at)
        for state in states
        if state.resolved_at is not None and not _is_final(state, state.resolved_at)
    ]
    found = await list_terms(unit, [(state.claim_id, at) for state, at in earlier]) if earlier else []
    terms_of = {state.claim_id: terms for (state, _), terms in zip(earlier, found, strict=True)}
    return [_final(state, terms_of.get(state.claim_id), ledgers) for state in states]


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
    asked = [(state, days, moment - timedelta(days=days)) for state in states for days in CHANGE_DAYS]
    settings = await _settings_then(unit, states, moment)
    others = [
        PastKey(state.claim_id, then, then) for state, _, then in asked if not is_recorded(state.recorded, then, then)
    ]
    found = dict(zip(others, await list_pasts(unit, others, ledgers) if others else [], strict=True))
    stored: dict[str, dict[str, Any]] = {state.claim_id: {} for state in states}
    for state, days, then in asked:
        past = found.get(PastKey(state.claim_id, then, then))
        belief = (
            past.belief() if past else past_belief(with_setting(state, settings[days]), ledgers[state.claim_id], then)
        )
        stored[state.claim_id][past_name(days)] = None if belief is None else belief.probability
    return stored


async def _settings_then(unit: Unit, states: Sequence[ClaimState], moment: datetime) -> dict[int, Setting | None]:
    """Return the graph's settings of the days counted back; None where it has never had any."""
    if all(state.rules.since is None for state in states):
        return dict.fromkeys(CHANGE_DAYS)
    found = await list_settings(unit, [moment - timedelta(days=days) for days in CHANGE_DAYS])
    return dict(zip(CHANGE_DAYS, found, strict=True))


def with_setting(state: ClaimState, setting: Setting | None) -> ClaimState:
    """Return a claim under another setting of its graph, with its predictor's effects; None for the present one."""
    return state if setting is None else replace(state, rules=setting.rules(state.window, state.rules.effects))


def past_belief(state: ClaimState, ledger: Ledger, moment: datetime) -> Belief | None:
    """Compute the belief at a moment of a claim whose values are those of that moment."""
    return state_at(state, _sum_by(ledger, moment), moment).belief(moment)


def _is_final(state: ClaimState, at: datetime) -> bool:
    """Whether a claim's present values are those at the moment of its outcome."""
    has_later_rows = state.last_recorded_at is not None and state.last_recorded_at > at
    is_recorded = not state.recorded.has_earlier or state.recorded.is_by(at)
    return not has_later_rows and is_recorded and state.rules.is_by(at)


def _final(state: ClaimState, terms: Terms | None, ledgers: Ledgers | None) -> FinalView | None:
    at = state.resolved_at
    if at is None:
        return None
    ledger = None if ledgers is None else ledgers[state.claim_id]
    if terms is None or terms.stated_probability is None:
        return state.final_view() if ledger is None else final_of(state, ledger)
    ground = (terms if ledger is None else _with_sum(terms, _sum_by(ledger, at))).ground()
    return None if ground is None else ground.final_view(at)


def final_of(state: ClaimState, ledger: Ledger) -> FinalView | None:
    """Return the final view of a closed claim whose values are those at the moment of the outcome."""
    at = state.resolved_at
    return None if at is None else state_at(state, _sum_by(ledger, at), at).final_view()


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
