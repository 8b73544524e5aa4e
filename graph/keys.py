"""
Page keys: text that sorts the way a page is ordered.

A key is the anchor's id, the sort key and the row's own id, joined by an exclamation mark. No id holds one, and it
sorts before every character that ids hold, so keys sort as the tuples of their parts do: `P_1` before `P_10`. All rows
of one anchor lie between `anchor!` and `anchor"`, the mark's successor, so a page is one walk along a range index.
"""

from collections.abc import Mapping
from datetime import date, datetime

from graph.inference.influence import implied_belief
from graph.model import DocumentLink, Evidence, Exposure, Influence, Milestone, Prediction, Validation

MARK = "!"
AFTER_MARK = '"'
LAST = "~"  # sorts behind every digit and letter
FIRST = "-"  # sorts before every digit and letter
ORDINAL_OFFSET = 50_000  # keeps ordinals positive and five digits wide

Keys = dict[str, str]


def bounds(anchor: str | None) -> tuple[str, str]:
    """Between which two texts all keys of an anchor lie; without an anchor, all keys there are."""
    return (f"{anchor}{MARK}", f"{anchor}{AFTER_MARK}") if anchor is not None else ("", LAST + AFTER_MARK)


def moment_text(moment: datetime) -> str:
    """A moment in UTC at fixed width."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def probability_text(probability: float | None) -> str:
    """A probability at fixed width; one that is not there sorts before all others."""
    return FIRST if probability is None else f"{probability:.15f}"


def deadline_text(deadline: datetime | None) -> str:
    """A deadline at fixed width; one that is not there sorts behind all others."""
    return LAST if deadline is None else moment_text(deadline)


def largest_first(size: float | None) -> str:
    """A size within [0, 1] so that the largest sorts first and an absent one last."""
    return LAST if size is None else f"{1.0 - size:.12f}"


def join(*parts: str) -> str:
    """The parts of a key in one."""
    return MARK.join(parts)


def prediction_keys(prediction: Prediction, probability: float | None) -> dict[str, str | None]:
    """One key for each anchor and order of the list of predictions; none where it has no such anchor."""
    by_deadline = join(deadline_text(prediction.deadline), prediction.id)
    by_probability = join(probability_text(probability), prediction.id)
    anchors = {
        "status": prediction.status.value,
        "domain": prediction.domain_id,
        "predictor": prediction.predictor_id,
        "class": prediction.reference_class_id,
    }
    keys: dict[str, str | None] = {"deadline_key": by_deadline, "probability_key": by_probability}
    for name, anchor in anchors.items():
        keys[f"{name}_deadline_key"] = join(anchor, by_deadline) if anchor else None
        keys[f"{name}_probability_key"] = join(anchor, by_probability) if anchor else None
    episode = prediction.episode_id
    keys["episode_deadline_key"] = join(episode, by_deadline) if episode else None
    return keys


def influence_keys(influence: Influence, probabilities: Mapping[str, float | None]) -> Keys:
    """Both ends' keys of an influence: the largest |delta| first, rows without one last."""
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
    """Both ends' keys of an exposure: the most relevant first."""
    rank = largest_first(exposure.relevance)
    return {
        "ticker_key": join(exposure.symbol, rank, exposure.prediction_id, exposure.sign),
        "prediction_key": join(exposure.prediction_id, rank, exposure.symbol, exposure.sign),
    }


def milestone_keys(milestone: Milestone) -> Keys:
    """A chain's order: by ordinal."""
    ordinal = f"{(milestone.ordinal or 0) + ORDINAL_OFFSET:05d}"
    return {"chain_key": join(milestone.prediction_id, ordinal, milestone.id)}


def evidence_keys(evidence: Evidence) -> Keys:
    """The ledger's order: by the moment of recording."""
    return {"ledger_key": join(evidence.claim_id, moment_text(evidence.recorded_at), evidence.id)}


def validation_keys(validation: Validation) -> Keys:
    """A prediction's validations by day."""
    return {"check_key": join(validation.prediction_id, _day_text(validation.observed_at), validation.id)}


def document_link_keys(link: DocumentLink, published_at: datetime | None) -> Keys:
    """A claim's documents by the moment of publication, a document's claims by id."""
    published = FIRST if published_at is None else moment_text(published_at)
    return {
        "claim_key": join(link.claim_id, published, link.document_id),
        "document_key": join(link.document_id, link.claim_id),
    }


def _day_text(day: date) -> str:
    return day.isoformat()
