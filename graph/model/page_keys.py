"""
Page keys: texts that sort in the order of a list, stored and indexed.

A key is the anchor's id (the anchor is the node whose list it is), the sort key and the row's own id, joined by an
exclamation mark. No id contains one, and it sorts before every character of ids, so keys sort as the tuples of their
parts do: `P_1` before `P_10`. All rows of one anchor lie between `anchor!` and `anchor"`, the mark's successor, so a
page is one scan of a range index.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from graph.inference.influence import implied_belief
from graph.inference.time import microseconds_of
from graph.model.addresses import normal_spelling
from graph.model.kinds import ClaimStatus, MilestoneKind, MilestoneStatus
from graph.model.rows import (
    Claim,
    Document,
    DocumentLink,
    Episode,
    Evidence,
    Exposure,
    Forecast,
    Influence,
    Milestone,
    Prediction,
    Row,
    Validation,
    Version,
)
from graph.model.standings import standing_of

MARK = "!"
AFTER_MARK = '"'
LAST = "~"  # sorts after every digit and letter
FIRST = "-"  # sorts before every digit and letter
ORDINAL_OFFSET = 50_000  # keeps ordinals positive and five digits wide
MILLION = 1_000_000
CHANGE_OFFSET = 5 * MILLION  # keeps changes of probabilities positive and seven digits wide
CHANGE_DAYS = (7, 30)
"""Numbers of days over which a claim's change is kept."""
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
FAR = datetime(9000, 1, 1, tzinfo=UTC)

Place = tuple[datetime, str]
"""A moment and an id: the place of something that happens at moments in the order of all."""

FIRST_PLACE: Place = (EARLIEST, "")
LAST_PLACE: Place = (FAR, "")
"""Places between which all lie."""


def place_parameters(between: tuple[Place, Place]) -> dict[str, Any]:
    """Return the places between which rows lie, both excluded, as parameters of statements."""
    (low_at, low_id), (high_at, high_id) = between
    return {"low_at": low_at, "low_id": low_id, "high_at": high_at, "high_id": high_id}


Keys = dict[str, str]
SomeKeys = dict[str, str | None]
OUTCOMES = frozenset({ClaimStatus.RESOLVED_TRUE, ClaimStatus.RESOLVED_FALSE})


def bounds(anchor: str | None) -> tuple[str, str]:
    """Return the two texts between which all keys of an anchor lie; without an anchor, all keys."""
    return (f"{anchor}{MARK}", f"{anchor}{AFTER_MARK}") if anchor is not None else ("", LAST + AFTER_MARK)


def ranges(anchors: Iterable[str]) -> list[dict[str, str]]:
    """Return the bounds of anchors as statements take them: `id`, `low` and `high` of each."""
    return [dict(zip(("id", "low", "high"), (anchor, *bounds(anchor)), strict=True)) for anchor in anchors]


def moment_text(moment: datetime) -> str:
    """Format a moment in UTC at fixed width."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def probability_text(probability: float | None) -> str:
    """Format a probability at fixed width; an absent one sorts first."""
    return FIRST if probability is None else f"{probability:.15f}"


def deadline_text(deadline: datetime | None) -> str:
    """Format a deadline at fixed width; an absent one sorts last."""
    return LAST if deadline is None else moment_text(deadline)


def moment_or_first(moment: datetime | None) -> str:
    """Format a moment at fixed width; an absent one sorts first."""
    return FIRST if moment is None else moment_text(moment)


def stamp_text(moment: datetime) -> str:
    """Format a moment as the database does those of writing: microseconds since 1970, of 16 digits until 2286."""
    return f"{microseconds_of(moment):016d}"


def count_text(count: int) -> str:
    """Format a number of things at fixed width."""
    return f"{count:010d}"


def score_text(score: float | None) -> str:
    """Format a score in [0, 1] at fixed width; an absent one sorts last."""
    return LAST if score is None else f"{score:.12f}"


def change_text(change: float | None) -> str:
    """Format the change of a probability in millionths, as the database does; an absent one sorts first."""
    return FIRST if change is None else str(CHANGE_OFFSET + math.floor(change * MILLION + 0.5))


def largest_first(size: float | None) -> str:
    """Format a size in [0, 1] so that the largest sorts first and an absent one last."""
    return LAST if size is None else f"{1.0 - size:.12f}"


def join(*parts: str) -> str:
    """Join the parts of a key."""
    return MARK.join(parts)


def claim_keys(claim: Claim) -> SomeKeys:
    """Return the page keys of a claim that depend on its own row alone."""
    by_deadline = join(deadline_text(claim.deadline), claim.id)
    keys: SomeKeys = {
        "kind_key": type(claim).__name__,
        "deadline_key": by_deadline,
        "stated_key": join(probability_text(claim.stated_probability), claim.id),
    }
    if isinstance(claim, Prediction):
        anchors = {
            "domain": claim.domain_id,
            "predictor": claim.predictor_id,
            "class": claim.reference_class_id,
            "episode": claim.episode_id,
        }
        keys |= {
            f"{name}_deadline_key": join(anchor, by_deadline) if anchor else None for name, anchor in anchors.items()
        }
        keys["record_key"] = _record_key(claim)
    return keys


def probability_key(claim_id: str, probability: float | None) -> str:
    """Return the page key of a claim by its posterior."""
    return join(probability_text(probability), claim_id)


def belief_keys(claim_id: str, probability: float | None, num_evidence: int, last_recorded_at: datetime | None) -> Keys:
    """Return the page keys of a claim that depend on its ledger: by posterior, by evidence and by the last of it."""
    return {
        "probability_key": probability_key(claim_id, probability),
        "evidence_count_key": join(count_text(num_evidence), claim_id),
        "last_evidence_key": join(moment_or_first(last_recorded_at), claim_id),
    }


def change_keys(claim_id: str, changes: Mapping[int, float | None]) -> Keys:
    """Return the page keys of a claim by the change of its posterior, by number of days."""
    return {f"change_{days}_key": join(change_text(change), claim_id) for days, change in changes.items()}


def uncomputed_keys(claim_id: str) -> Keys:
    """Return the page keys of a claim by what propagation computes, as they are before the first run."""
    return {name: join(FIRST, claim_id) for name in ("marginal_key", "disagreement_key")}


def stamp_keys(key: str) -> Keys:
    """Return the page keys of a node, created and updated at unknown moments."""
    return {name: join(FIRST, key) for name in ("created_key", "updated_key")}


def _record_key(prediction: Prediction) -> str | None:
    """Return the key in its predictor's record, by resolution; None for a prediction that counts in no record."""
    if (
        prediction.predictor_id is None
        or prediction.resolved_at is None
        or prediction.stated_probability is None
        or prediction.status not in OUTCOMES
    ):
        return None
    return join(prediction.predictor_id, moment_text(prediction.resolved_at), prediction.id)


def influence_keys(influence: Influence, probabilities: Mapping[str, float | None]) -> Keys:
    """Return the page keys of an influence at both ends: by decreasing |delta|, those without one last."""
    rank = largest_first(_delta_size(influence, probabilities))
    return {
        "outgoing_key": join(influence.parent_id, rank, influence.child_id, influence.kind),
        "incoming_key": join(influence.child_id, rank, influence.parent_id, influence.kind),
    }


def _delta_size(influence: Influence, probabilities: Mapping[str, float | None]) -> float | None:
    parent, child = probabilities.get(influence.parent_id), probabilities.get(influence.child_id)
    if parent is None or child is None or influence.p_if_true is None or influence.p_if_false is None:
        return None
    return abs(implied_belief(parent, child, influence.p_if_true, influence.p_if_false).delta)


def exposure_keys(exposure: Exposure) -> Keys:
    """Return the page keys of an exposure at both ends: by decreasing relevance, those without one last."""
    rank = largest_first(exposure.relevance)
    return {
        "ticker_key": join(exposure.symbol, rank, exposure.prediction_id, exposure.sign),
        "prediction_key": join(exposure.prediction_id, rank, exposure.symbol, exposure.sign),
    }


def milestone_keys(milestone: Milestone, *, can_miss: bool = True, closed_at: datetime | None = None) -> SomeKeys:
    """
    Return the page keys of a milestone: its own, for lists by status, and for sweeps by the day it is due.

    Args:
        milestone: The milestone.
        can_miss: Whether its prediction is open and has a probability, so that a miss would be evidence.
        closed_at: The moment of its prediction's outcome; None for an open one.
    """
    status_key = standing_of(milestone.status, milestone.due_date(), milestone.miss_emitted_at, closed_at)
    return {
        **_calendar_keys(milestone),
        "status_key": status_key.value,
        "due_key": _due_key(milestone, can_miss=can_miss),
    }


def _calendar_keys(milestone: Milestone) -> Keys:
    """Return the page keys of a milestone by its own row: in its chain by ordinal, in the calendar by its due day."""
    due = milestone.due_date()
    ordinal = f"{(milestone.ordinal or 0) + ORDINAL_OFFSET:05d}"
    return {
        "chain_key": join(milestone.prediction_id, ordinal, milestone.id),
        "calendar_key": join(LAST if due is None else due.isoformat(), milestone.id),
    }


def can_miss(status: ClaimStatus, probability: float | None) -> bool:
    """Whether a missed check-in is evidence on a prediction: it is open and has a stated probability."""
    return status is ClaimStatus.OPEN and probability is not None


def _due_key(milestone: Milestone, *, can_miss: bool) -> str | None:
    """Return the key for sweeps; None once no sweep has to read the milestone, such as after it was observed."""
    due = milestone.due_date()
    awaits_miss = can_miss and milestone.kind is MilestoneKind.CHECK_IN and milestone.miss_emitted_at is None
    is_swept = milestone.status is MilestoneStatus.OVERDUE and not awaits_miss
    if due is None or is_swept or milestone.status in {MilestoneStatus.HIT, MilestoneStatus.MISSED}:
        return None
    return join(due.isoformat(), milestone.id)


def evidence_keys(evidence: Evidence) -> SomeKeys:
    """Return the page keys of a ledger row, by moment of recording in ledger and cluster, and its observation key."""
    recorded = moment_text(evidence.recorded_at)
    cluster, claim = evidence.cluster_id, evidence.claim_id
    return {
        "ledger_key": join(claim, recorded, evidence.id),
        "recorded_key": join(recorded, evidence.id),
        "observed_key": join(moment_text(evidence.observed_at), evidence.id),
        "cluster_key": join(cluster_anchor(claim, cluster), recorded, evidence.id) if cluster else None,
        "observation_key": observation_key_of(evidence),
    }


def cluster_anchor(claim_id: str, cluster_id: str) -> str:
    """Return the anchor of a claim's cluster; its name, which may contain any character, enters as a digest."""
    return join(claim_id, _digest(cluster_id))


def observation_key_of(evidence: Evidence) -> str | None:
    """Return the observation key of a ledger row; see `observation_key`."""
    return observation_key(evidence.claim_id, evidence.document_id, evidence.url, evidence.observed_at)


def observation_key(claim_id: str, document_id: str | None, url: str | None, observed_at: datetime) -> str | None:
    """
    Return the key that identifies an observation: its claim, moment and source; None for one without a source.

    The source is the document, or else the address, whose equivalent spellings are one.
    """
    if not document_id and not url:
        return None
    return join(claim_id, moment_text(observed_at), _digest(document_id or normal_spelling(url or "")))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def validation_keys(validation: Validation) -> Keys:
    """Return the page keys of a validation, by day, within its prediction and among all."""
    by_day = join(_day_text(validation.observed_at), validation.id)
    return {"check_key": join(validation.prediction_id, by_day), "observed_key": by_day}


def publication_keys(published: Document | Episode) -> Keys:
    """Return the page key of a document or an episode, by moment of publication."""
    return {"published_key": join(moment_or_first(published.published_at), published.id)}


def record_keys(predictor_id: str, record: Mapping[str, Any]) -> Keys:
    """Return the page keys of a predictor, by what its stored record has."""
    return {
        "brier_key": join(score_text(record["brier"]), predictor_id),
        "kappa_key": join(score_text(record["kappa"]), predictor_id),
        "resolved_count_key": join(count_text(record["n_resolved"] or 0), predictor_id),
    }


def document_link_keys(link: DocumentLink, published_at: datetime | None) -> Keys:
    """Return the page keys of a document link: at the claim by moment of publication, at the document by claim."""
    published = FIRST if published_at is None else moment_text(published_at)
    return {
        "claim_key": join(link.claim_id, published, link.document_id),
        "document_key": join(link.document_id, link.claim_id),
    }


def forecast_keys(forecast: Forecast) -> Keys:
    """Return the page keys of a forecast at both ends, by the moment at which it was stated."""
    stated = join(moment_text(forecast.stated_at), forecast.id)
    return {
        "forecast_key": join(forecast.claim_id, stated),
        "predictor_forecast_key": join(forecast.predictor_id, stated),
    }


def version_keys(version: Version) -> SomeKeys:
    """Return the page keys of a claim's version in the records of its predictor and its class, if it counts in them."""
    by_recording = join(stamp_text(version.recorded_at), version.subject_id)
    predictor_id = None if version.stated_probability is None else version.predictor_id
    owners = {"record_key": predictor_id, "class_record_key": version.reference_class_id}
    has_outcome = version.status in OUTCOMES
    return {name: join(owner, by_recording) if owner and has_outcome else None for name, owner in owners.items()}


def _day_text(day: date) -> str:
    return day.isoformat()


_OWN_KEYS: Mapping[type[Row], Callable[[Any], Mapping[str, str | None]]] = {
    Claim: claim_keys,
    Milestone: _calendar_keys,
    Evidence: evidence_keys,
    Validation: validation_keys,
    Document: publication_keys,
    Episode: publication_keys,
    Forecast: forecast_keys,
    Version: version_keys,
}


def own_keys(row: Row) -> Mapping[str, str | None]:
    """Return the page keys of a node or a relationship that depend on its own row alone."""
    for kind, keys in _OWN_KEYS.items():
        if isinstance(row, kind):
            return keys(row)
    return {}
