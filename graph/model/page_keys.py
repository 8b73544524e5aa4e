"""
Page keys: texts that sort in the order of a list, stored and indexed.

A key is the anchor's id (the anchor is the node whose list it is), the sort key and the row's own id, joined by an
exclamation mark. No id contains one, and it sorts before every character of ids, so keys sort as the tuples of their
parts do: `P_1` before `P_10`. All rows of one anchor lie between `anchor!` and `anchor"`, the mark's successor, so a
page is one scan of a range index.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from graph.inference.influence import implied_belief
from graph.model.addresses import normal_spelling
from graph.model.kinds import ClaimStatus, MilestoneKind, MilestoneStatus
from graph.model.rows import DocumentLink, Evidence, Exposure, Influence, Milestone, Prediction, Validation

MARK = "!"
AFTER_MARK = '"'
LAST = "~"  # sorts after every digit and letter
FIRST = "-"  # sorts before every digit and letter
ORDINAL_OFFSET = 50_000  # keeps ordinals positive and five digits wide

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


def largest_first(size: float | None) -> str:
    """Format a size in [0, 1] so that the largest sorts first and an absent one last."""
    return LAST if size is None else f"{1.0 - size:.12f}"


def join(*parts: str) -> str:
    """Join the parts of a key."""
    return MARK.join(parts)


@dataclass(frozen=True, slots=True)
class Anchors:
    """The status and the ids that lists of predictions are filtered by."""

    status: str
    domain_id: str | None
    predictor_id: str | None
    reference_class_id: str | None

    def by_name(self) -> SomeKeys:
        """Return each by the prefix of its page keys' names."""
        return {
            "status": self.status,
            "domain": self.domain_id,
            "predictor": self.predictor_id,
            "class": self.reference_class_id,
        }


def anchors_of(prediction: Prediction) -> Anchors:
    """Return the anchors of a prediction."""
    return Anchors(
        prediction.status.value, prediction.domain_id, prediction.predictor_id, prediction.reference_class_id
    )


def prediction_keys(prediction: Prediction, probability: float | None) -> SomeKeys:
    """Return the page keys of a prediction: one for each anchor and order, None where it lacks the anchor."""
    return deadline_keys(prediction) | probability_keys(prediction.id, anchors_of(prediction), probability)


def deadline_keys(prediction: Prediction) -> SomeKeys:
    """Return the page keys of a prediction that depend on its own row alone."""
    by_deadline = join(deadline_text(prediction.deadline), prediction.id)
    anchors = anchors_of(prediction)
    keys: SomeKeys = {"deadline_key": by_deadline}
    for name, anchor in anchors.by_name().items():
        keys[f"{name}_deadline_key"] = join(anchor, by_deadline) if anchor else None
    episode = prediction.episode_id
    keys["episode_deadline_key"] = join(episode, by_deadline) if episode else None
    keys["record_key"] = _record_key(prediction)
    return keys


def probability_keys(prediction_id: str, anchors: Anchors, probability: float | None) -> SomeKeys:
    """Return the page keys of a prediction that depend on its belief."""
    by_probability = join(probability_text(probability), prediction_id)
    keys: SomeKeys = {"probability_key": by_probability}
    for name, anchor in anchors.by_name().items():
        keys[f"{name}_probability_key"] = join(anchor, by_probability) if anchor else None
    return keys


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


def milestone_keys(milestone: Milestone) -> SomeKeys:
    """Return the page keys of a milestone: in its chain by ordinal, and for sweeps by the day it is due."""
    ordinal = f"{(milestone.ordinal or 0) + ORDINAL_OFFSET:05d}"
    return {
        "chain_key": join(milestone.prediction_id, ordinal, milestone.id),
        "due_key": _due_key(milestone),
    }


def _due_key(milestone: Milestone) -> str | None:
    """Return the key for sweeps; None once no sweep has to read the milestone, such as after it was observed."""
    due = milestone.due_date()
    awaits_miss = milestone.kind is MilestoneKind.CHECK_IN and milestone.miss_emitted_at is None
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
    """Return the page key of a validation, by day within its prediction."""
    return {"check_key": join(validation.prediction_id, _day_text(validation.observed_at), validation.id)}


def document_link_keys(link: DocumentLink, published_at: datetime | None) -> Keys:
    """Return the page keys of a document link: at the claim by moment of publication, at the document by claim."""
    published = FIRST if published_at is None else moment_text(published_at)
    return {
        "claim_key": join(link.claim_id, published, link.document_id),
        "document_key": join(link.document_id, link.claim_id),
    }


def _day_text(day: date) -> str:
    return day.isoformat()
