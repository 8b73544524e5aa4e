"""Explanations of beliefs: what adds up to their log-odds, and how far few outcomes leave them open."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np

from graph.database.sessions import Unit
from graph.inference.explaining import (
    Contribution,
    ContributionKind,
    Interval,
    belief_interval,
    contributions,
    log_odds_of,
)
from graph.inference.policies import policy_named
from graph.inference.predictor_effects import NO_EFFECTS, PredictorEffects
from graph.inference.rates import LearnedRate, learned_rate
from graph.inference.silence import TimingShares
from graph.inference.time import EPOCH, utc_moments
from graph.ledger.claim_state import Ground, derive_rows
from graph.ledger.pasts import Past, PastKey, list_pasts
from graph.ledger.predictor_records import list_past_records
from graph.ledger.settings import rules_under
from graph.model.page_keys import ranges, stamp_text
from graph.model.properties import from_properties
from graph.model.rows import Evidence

MOST_ROWS_SHOWN: Final = 100
"""Ledger rows that are shown one by one, the newest; the sum of all before them is one contribution more."""

EARLIER: Final = "earlier evidence"


class ExplanationKey(NamedTuple):
    """
    A question about a belief.

    Attributes:
        past: The claim and the moments.
        policy: The name of the policy; None for the one in force then.
    """

    past: PastKey
    policy: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    Grounds of a belief.

    Attributes:
        contributions: They add up to its log-odds, to 1e-12.
        interval: Where the belief lies by what few outcomes tell of its predictor and its class.
    """

    contributions: tuple[Contribution, ...]
    interval: Interval


async def list_explanations(unit: Unit, asked: Sequence[ExplanationKey]) -> list[Explanation | None]:
    """Explain beliefs by at most seven statements; None for claims without a stated probability."""
    pasts = await list_pasts(unit, [key.past for key in asked])
    grounds = [_ground(key, past) for key, past in zip(asked, pasts, strict=True)]
    ids = sorted({key.past.claim_id for key in asked})
    ledgers = {row["id"]: row["rows"] for row in await unit.run("ledger/list_ledgers", claims=ranges(ids))}
    rows = {name: [from_properties(Evidence, row) for row in found] for name, found in ledgers.items()}
    effects = await _list_effects(unit, asked, pasts)
    rates = await list_learned_rates(
        unit, [_class_key(key, ground) for key, ground in zip(asked, grounds, strict=True)]
    )
    return [
        None
        if past is None or ground is None
        else _explain(past, ground, _counted(rows[key.past.claim_id], key.past, past), effects[place], rates[place])
        for place, (key, past, ground) in enumerate(zip(asked, pasts, grounds, strict=True))
    ]


async def list_learned_rates(
    unit: Unit, asked: Sequence[tuple[str | None, datetime, datetime]]
) -> list[LearnedRate | None]:
    """
    Learn rates of reference classes from their members with outcomes.

    Args:
        unit: The transaction to read in.
        asked: For each the class, None for none, the moment by which outcomes had come, and the one by which they were
            recorded.
    """
    found: dict[int, LearnedRate] = {}
    classes = [
        {"index": index, "id": class_id, "as_of": as_of, "known": stamp_text(max(known_at, EPOCH))}
        for index, (class_id, as_of, known_at) in enumerate(asked)
        if class_id is not None
    ]
    if classes:
        for row in await unit.run("ledger/count_members", asked=classes):
            found[row["index"]] = learned_rate(row["num_true"], row["num_resolved"])
    return [found.get(index) for index in range(len(asked))]


def _ground(key: ExplanationKey, past: Past | None) -> Ground | None:
    ground = None if past is None else past.terms.ground()
    return None if ground is None else replace(ground, rules=rules_under(key.policy, ground.rules, ground.window))


def _class_key(key: ExplanationKey, ground: Ground | None) -> tuple[str | None, datetime, datetime]:
    outside = None if ground is None else ground.outside_view
    return None if outside is None else outside.reference_class_id, key.past.as_of, key.past.known_at


async def _list_effects(
    unit: Unit, asked: Sequence[ExplanationKey], pasts: Sequence[Past | None]
) -> list[PredictorEffects]:
    """List the effects of the claims' predictors, with their variances, as known when the claims were stated."""
    questions: dict[int, tuple[str, datetime, datetime]] = {}
    for place, (key, past) in enumerate(zip(asked, pasts, strict=True)):
        if past is not None and past.terms.predictor_id is not None and past.terms.window is not None:
            questions[place] = past.terms.predictor_id, past.terms.window[0], key.past.known_at
    found = await list_past_records(unit, list(questions.values())) if questions else []
    records = dict(zip(questions, found, strict=True))
    return [records[place].effects if place in records else NO_EFFECTS for place in range(len(asked))]


def _counted(rows: Sequence[Evidence], key: PastKey, past: Past) -> list[Evidence]:
    """Return the ledger rows that a belief of the past follows from."""
    if past.moment == key.as_of < key.known_at:
        return [row for row in rows if row.recorded_at <= key.known_at and row.observed_at <= key.as_of]
    return [row for row in rows if row.recorded_at <= past.moment]


def _explain(
    past: Past, ground: Ground, rows: Sequence[Evidence], effects: PredictorEffects, rate: LearnedRate | None
) -> Explanation:
    basis, (moment,) = ground.basis(), utc_moments([past.moment])
    moments = np.array([moment])
    share = ground.rules.share
    policy = policy_named(ground.rules.policy).with_timing(TimingShares(share, share))
    terms = policy.terms(basis.claims, basis.inside(), moments)
    variances = np.array([0.0 if rate is None else rate.log_odds_variance])
    variance = float(policy.variances(basis.claims, effects, variances, moments)[0])
    parts = _shortened(contributions(terms, _llrs(ground, rows)))
    return Explanation(parts, belief_interval(log_odds_of(terms), variance))


def _llrs(ground: Ground, rows: Sequence[Evidence]) -> list[tuple[str, float]]:
    """Return the label and the adjusted log-likelihood ratio of each row that counts under the policy."""
    derived = derive_rows(rows, inside_log_odds=0.0)
    silent, found = 0.0, []
    for row, own in zip(rows, derived, strict=True):
        is_silent = ground.rules.is_calibrated and own.check_in_log_odds != silent
        silent = own.check_in_log_odds
        if own.total_adjusted_llr != 0.0 and not is_silent:
            found.append((_label(row), own.total_adjusted_llr))
    return found


def _label(row: Evidence) -> str:
    labels = [item.label for item in row.contributions if item.label]
    return labels[0] if labels else row.note or row.evidence_kind or row.id


def _shortened(parts: tuple[Contribution, ...]) -> tuple[Contribution, ...]:
    """Put all rows of evidence but the newest into one contribution."""
    evidence = [part for part in parts if part.kind is ContributionKind.EVIDENCE]
    if len(evidence) <= MOST_ROWS_SHOWN:
        return parts
    others = tuple(part for part in parts if part.kind is not ContributionKind.EVIDENCE)
    earlier = sum(part.log_odds for part in evidence[:-MOST_ROWS_SHOWN])
    summed = Contribution(ContributionKind.EVIDENCE, EARLIER, earlier)
    return (*others, summed, *evidence[-MOST_ROWS_SHOWN:])
