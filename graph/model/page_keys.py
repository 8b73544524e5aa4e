"""
Page keys: text that sorts the way a page is ordered.

A key is the anchor's id, the sort key and the row's own id, joined by an exclamation mark. No id holds one, and it
sorts before every character that ids hold, so keys sort as the tuples of their parts do: `P_1` before `P_10`. All rows
of one anchor lie between `anchor!` and `anchor"`, the mark's successor, so a page is one walk along a range index.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from graph.inference.influence import implied_belief
from graph.model.kinds import ClaimStatus, MilestoneKind, MilestoneStatus
from graph.model.rows import DocumentLink, Evidence, Exposure, Influence, Milestone, Prediction, Validation

MARK = "!"
AFTER_MARK = '"'
LAST = "~"  # sorts behind every digit and letter
FIRST = "-"  # sorts before every digit and letter
ORDINAL_OFFSET = 50_000  # keeps ordinals positive and five digits wide

Keys = dict[str, str]
SomeKeys = dict[str, str | None]
OUTCOMES = frozenset({ClaimStatus.RESOLVED_TRUE, ClaimStatus.RESOLVED_FALSE})


def bounds(anchor: str | None) -> tuple[str, str]:
    """Between which two texts all keys of an anchor lie; without an anchor, all keys there are."""
    return (f"{anchor}{MARK}", f"{anchor}{AFTER_MARK}") if anchor is not None else ("", LAST + AFTER_MARK)


def ranges(anchors: Iterable[str]) -> list[dict[str, str]]:
    """Anchors as statements take them that read all their keys: `id`, `low` and `high`."""
    return [dict(zip(("id", "low", "high"), (anchor, *bounds(anchor)), strict=True)) for anchor in anchors]


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


@dataclass(frozen=True, slots=True)
class Anchors:
    """The ids that lists of predictions are filtered by."""

    status: str
    domain_id: str | None
    predictor_id: str | None
    reference_class_id: str | None

    def by_name(self) -> SomeKeys:
        """Each under the name that begins its keys' own."""
        return {
            "status": self.status,
            "domain": self.domain_id,
            "predictor": self.predictor_id,
            "class": self.reference_class_id,
        }


def anchors_of(prediction: Prediction) -> Anchors:
    """What lists of predictions find it by."""
    return Anchors(
        prediction.status.value, prediction.domain_id, prediction.predictor_id, prediction.reference_class_id
    )


def prediction_keys(prediction: Prediction, probability: float | None) -> SomeKeys:
    """One key for each anchor and order of the list of predictions; none where it has no such anchor."""
    return deadline_keys(prediction) | probability_keys(prediction.id, anchors_of(prediction), probability)


def deadline_keys(prediction: Prediction) -> SomeKeys:
    """The keys of a prediction that follow from its own row."""
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
    """The keys of a prediction that change with its belief."""
    by_probability = join(probability_text(probability), prediction_id)
    keys: SomeKeys = {"probability_key": by_probability}
    for name, anchor in anchors.by_name().items():
        keys[f"{name}_probability_key"] = join(anchor, by_probability) if anchor else None
    return keys


def _record_key(prediction: Prediction) -> str | None:
    """The order of a predictor's record; none for what counts in none."""
    if (
        prediction.predictor_id is None
        or prediction.resolved_at is None
        or prediction.stated_probability is None
        or prediction.status not in OUTCOMES
    ):
        return None
    return join(prediction.predictor_id, moment_text(prediction.resolved_at), prediction.id)


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


def milestone_keys(milestone: Milestone) -> SomeKeys:
    """A chain's order: by ordinal; the order of what a sweep has still to see, by the day it is due."""
    ordinal = f"{(milestone.ordinal or 0) + ORDINAL_OFFSET:05d}"
    return {
        "chain_key": join(milestone.prediction_id, ordinal, milestone.id),
        "due_key": _due_key(milestone),
    }


def _due_key(milestone: Milestone) -> str | None:
    """None for what a sweep is done with: an observed milestone, a check-in whose miss is in the ledger."""
    due = milestone.due_date()
    awaits_miss = milestone.kind is MilestoneKind.CHECK_IN and milestone.miss_emitted_at is None
    is_swept = milestone.status is MilestoneStatus.OVERDUE and not awaits_miss
    if due is None or is_swept or milestone.status in {MilestoneStatus.HIT, MilestoneStatus.MISSED}:
        return None
    return join(due.isoformat(), milestone.id)


def evidence_keys(evidence: Evidence) -> SomeKeys:
    """The ledger's order, by the moment of recording; the order in a cluster; what makes an observation the same."""
    recorded = moment_text(evidence.recorded_at)
    cluster, claim = evidence.cluster_id, evidence.claim_id
    source = evidence.document_id or evidence.url
    return {
        "ledger_key": join(claim, recorded, evidence.id),
        "cluster_key": join(cluster_anchor(claim, cluster), recorded, evidence.id) if cluster else None,
        "observation_key": observation_key(claim, source, evidence.observed_at) if source else None,
    }


def cluster_anchor(claim_id: str, cluster_id: str) -> str:
    """What the keys of a claim's cluster begin with: its name, which may hold any character, goes as a digest."""
    return join(claim_id, _digest(cluster_id))


def observation_key(claim_id: str, source: str, observed_at: datetime) -> str:
    """The same for the same claim, source (a document's id or an address) and moment."""
    return join(claim_id, moment_text(observed_at), _digest(source))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


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
