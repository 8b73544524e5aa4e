"""
Graphs of any size with the degrees of a real one: hubs among killers, predictors, tickers and documents.

The same arguments give the same rows. Rows are valid, and what an import derives is left for the import to derive.
"""

import re
import string
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any, Final, TypeVar

import numpy as np

from graph.bundles.batches import MAX_ROWS
from graph.inference.time import is_before_window
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.model.kinds import ClaimStatus, ExposureSign, InfluenceKind, MilestoneKind, MilestoneStatus, PredictionMode
from graph.model.rows import (
    Claim,
    Contribution,
    Document,
    DocumentLink,
    Domain,
    Episode,
    Evidence,
    Exposure,
    Influence,
    Killer,
    Milestone,
    Prediction,
    Predictor,
    ReferenceClass,
    Row,
    Scenario,
    Ticker,
    Validation,
)
from graph.model.subjects import CLAIM_LISTS

HUB_KILLER_ID: Final = "TK00000"
HUB_PREDICTOR_ID: Final = "predictor_0000"
MOST_PARENTS_ID: Final = "P_000099"
MAX_HUB_CHILDREN: Final = 10_000
MAX_PARENTS: Final = 40
NUM_CHECK_INS: Final = 3
NUM_DOMAINS, NUM_CLASSES, NUM_TICKERS = 20, 40, 500
FIRST_DAY: Final = date(2025, 1, 6)
NUM_SENTENCES: Final = 4096
STREAM_SIZE: Final = 65_536  # uniforms drawn at once; one at a time costs more than the rest of a row
VOCABULARY: Final = re.findall(
    r"\w+",
    """
    accelerator adoption agent alignment announces automation autonomy battery before benchmark billion
    breakthrough by capacity capital chips cloud commercial compute cost customers data decade deployment
    distillation doubles energy enterprise exceeds factory first fleet forecast frontier fusion global grid growth
    hardware humanoid hundred industry inference intelligence labor large launch leading less licence margin
    market million models more network nuclear open orbit output parity percent pilot power price production
    quarter ramp reactor reasoning regulation release revenue robot routine scale sensors shipments small software
    supply surgery than through token training trillion under units vehicle vendor volume weekly within without
    year
    """,
)

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Degrees:
    """
    Means per prediction, and how many predictions share a thing.

    Attributes:
        influences_per_prediction: Parents of a prediction; a power law up to MAX_PARENTS, the hub killer included.
        milestones_per_prediction: Of a chain in the graph: the event, the check-ins that the import makes, and others.
            Below four, as many predictions fewer have a chain.
        exposures_per_prediction: Tickers, a few of them hubs.
        documents_per_prediction: Links to documents, a few of them hubs.
        evidence_per_prediction: Rows of the ledger.
        validations_per_prediction: Validations.
        predictions_per_predictor: How many predictors there are follows from it; one of them is a hub.
    """

    influences_per_prediction: float = 3.0
    milestones_per_prediction: float = 10.0
    exposures_per_prediction: float = 5.0
    documents_per_prediction: float = 1.5
    evidence_per_prediction: float = 0.5
    validations_per_prediction: float = 0.2
    predictions_per_predictor: float = 50.0


class _Dice:
    """Draws from one stream of uniforms."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._stream: Iterator[float] = iter(())

    def uniform(self) -> float:
        """A number in [0, 1)."""
        for number in self._stream:
            return number
        self._stream = iter(self._generator.random(STREAM_SIZE).tolist())
        return next(self._stream)

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.uniform() < probability

    def below(self, end: int) -> int:
        """A whole number in [0, end)."""
        return int(self.uniform() * end)

    def pick(self, items: Sequence[ItemT]) -> ItemT:
        """One of the items, all alike."""
        return items[self.below(len(items))]

    def rank(self, end: int) -> int:
        """A whole number in [0, end), the k-th about as often as 1 / (k + 1)."""
        return int((end + 1) ** self.uniform()) - 1

    def count(self, mean: float) -> int:
        """How many of something: spread from none to twice the mean."""
        spread = 2.0 * mean * self.uniform()
        return int(spread) + self.chance(spread % 1.0)

    def probability(self, low: float = 0.03, high: float = 0.97) -> float:
        """A probability as people state it, with two digits."""
        return round(low + (high - low) * self.uniform(), 2)

    def day(self, start: date, num_days: int) -> date:
        """One of the days from a start."""
        return start + timedelta(days=self.below(num_days))

    def moment(self, start: date, num_days: int) -> datetime:
        """A moment on one of the days from a start, to the microsecond."""
        at = datetime(start.year, start.month, start.day, tzinfo=UTC)
        return at + timedelta(days=self.below(num_days), microseconds=self.below(86_400_000_000))


class _World:
    """Generates one graph, row by row, in an order in which it can be imported."""

    def __init__(self, num_predictions: int, seed: int, degrees: Degrees) -> None:
        generator = np.random.default_rng(seed)
        self.dice = _Dice(generator)
        self.degrees = degrees
        self.num_predictions = num_predictions
        self.num_scenarios = max(5, num_predictions // 100)
        self.num_killers = max(10, num_predictions // 50)
        self.num_episodes = max(3, num_predictions // 20)
        self.num_documents = max(5, num_predictions // 2)
        self.num_predictors = max(2, int(num_predictions / degrees.predictions_per_predictor))
        self.hub_share = min(1.0, MAX_HUB_CHILDREN / num_predictions)
        self.sentences = _sentences(generator)
        own_parents = max(0.0, degrees.influences_per_prediction - self.hub_share)
        self.parent_counts = _power_law(own_parents, MAX_PARENTS - 1) if own_parents > 1 else None
        self.own_parents = own_parents

    def shared_rows(self) -> Iterator[Row]:
        """What predictions refer to."""
        yield from (Domain(id=f"domain_{n:02d}", name=self.words(2)) for n in range(NUM_DOMAINS))
        for n in range(self.num_episodes):
            published = self.dice.moment(FIRST_DAY, 500)
            url = f"https://video.example/watch?v={n:08x}"
            yield Episode(id=f"EP_{n:04d}", title=self.line(), number=n, url=url, published_at=published)
        yield from (self._predictor(n) for n in range(self.num_predictors))
        for n in range(NUM_CLASSES):
            trials = 5 + self.dice.below(200)
            successes = 1 + self.dice.below(trials - 1)
            base_rate = round(successes / trials, 4)
            yield ReferenceClass(
                id=f"class_{n:02d}",
                description=self.text(1),
                base_rate=base_rate,
                successes=successes,
                trials=trials,
            )
        for n in range(NUM_TICKERS):
            yield Ticker(symbol=_symbol(n), name=self.words(2), exchange="NASDAQ", sector=self.words(1))
        for n in range(self.num_documents):
            yield Document(
                id=f"papers.example/{n:06d}",
                title=self.line(),
                url=f"https://papers.example/{n:06d}",
                published_at=self.dice.moment(FIRST_DAY, 500),
                kind="milestone_source",
            )
        for n in range(self.num_scenarios):
            yield Scenario(id=f"S_{n:05d}", **self._claim(n))
        for n in range(self.num_killers):
            yield Killer(id=f"TK{n:05d}", **self._claim(n, high=0.4))

    def prediction_rows(self, number: int) -> list[Row]:
        """One prediction with everything that hangs on it; its parents come before it."""
        prediction = self._prediction(number)
        chain = self._milestones(prediction)
        documents = self._documents()
        return [
            prediction,
            *chain,
            *(DocumentLink(document_id=document, claim_id=prediction.id) for document in documents),
            *self._evidence(prediction, chain, documents),
            *self._validations(prediction),
            *self._influences(number),
            *self._exposures(prediction),
        ]

    def words(self, count: int) -> str:
        """A name."""
        return " ".join(self.dice.pick(VOCABULARY) for _ in range(count)).title()

    def line(self) -> str:
        """A title: the beginning of a sentence."""
        return self.dice.pick(self.sentences)[:100].strip()

    def text(self, num_sentences: int) -> str:
        """Some sentences of a hundred characters or so."""
        return " ".join(self.dice.pick(self.sentences) for _ in range(num_sentences))

    def _claim(self, number: int, *, high: float = 0.97) -> dict[str, Any]:
        return {
            "title": f"{self.line()} ({number})",
            "text": self.text(2),
            "stated_probability": None if self.dice.chance(0.02) else self.dice.probability(high=high),
            "domain_id": f"domain_{self.dice.rank(NUM_DOMAINS):02d}",
        }

    def _predictor(self, number: int) -> Predictor:
        record = {}
        if self.dice.chance(0.3):
            record = {
                "record_n_resolved": 1 + self.dice.below(40),
                "record_brier": round(0.4 * self.dice.uniform(), 4),
                "record_kappa": round(0.1 + 0.9 * self.dice.uniform(), 4),
                "record_source": "predictor_table",
            }
        return Predictor.model_validate({"id": f"predictor_{number:04d}", "name": self.words(2), **record})

    def _prediction(self, number: int) -> Prediction:
        dice = self.dice
        status, resolved_at = ClaimStatus.OPEN, None
        if dice.chance(0.15):
            status = dice.pick((ClaimStatus.RESOLVED_TRUE, ClaimStatus.RESOLVED_FALSE, ClaimStatus.ANNULLED))
            resolved_at = dice.moment(date(2026, 1, 1), 200)
        episode = f"EP_{dice.below(self.num_episodes):04d}"
        quote = self.text(2)
        row = Prediction(
            id=_prediction_id(number),
            **self._claim(number),
            **self._window(),
            status=status,
            resolved_at=resolved_at,
            predictor_id=f"predictor_{dice.rank(self.num_predictors):04d}",
            episode_id=episode,
            reference_class_id=f"class_{dice.rank(NUM_CLASSES):02d}" if dice.chance(0.6) else None,
            verbatim_quote=quote,
            context=self.text(3),
            mode=dice.pick(tuple(PredictionMode)),
            direction=dice.pick(("up", "down", "neutral")),
            conviction_level=dice.pick(("high", "medium", "low")),
            conviction_cues=self.words(4),
            timeframe="within the year",
            role="guest",
            key_catalyst=self.text(1),
            watch_events=self.text(1),
            source_url=f"https://video.example/watch?v={number:08x}",
            raw_metadata={"verbatim": quote[:80], "episode": episode, "tags": [dice.pick(VOCABULARY)], "n": number},
            raw_metadata_is_complete=True,
        )
        window = (row.from_year, row.window_start, row.window_end)
        is_early = resolved_at is not None and is_before_window(resolved_at, *window)
        return row.model_copy(update={"is_early": True}) if is_early else row

    def _window(self) -> dict[str, Any]:
        if self.dice.chance(0.85):
            from_year = 2026 + self.dice.rank(10)
            return {"from_year": from_year, "to_year": from_year + self.dice.below(4)}
        start = self.dice.moment(FIRST_DAY, 700)
        return {"window_start": start, "window_end": start + timedelta(days=200 + self.dice.below(1_500))}

    def _milestones(self, prediction: Prediction) -> list[Milestone]:
        mean = self.degrees.milestones_per_prediction
        if not self.dice.chance(mean / (NUM_CHECK_INS + 1)):
            return []
        start = date(prediction.from_year, 1, 1) if prediction.from_year else _start_day(prediction)
        event = Milestone(
            id=f"{prediction.id}:event",
            prediction_id=prediction.id,
            kind=MilestoneKind.EVENT,
            label=self.line(),
            criterion=self.text(1),
            weight=1.0,
            expected_date=start + timedelta(days=60 + self.dice.below(300)),
            status=MilestoneStatus.PENDING,
        )
        num_others = self.dice.count(max(0.0, mean - NUM_CHECK_INS - 1))
        return [event, *(self._researched(prediction, start, number) for number in range(num_others))]

    def _researched(self, prediction: Prediction, start: date, number: int) -> Milestone:
        dice = self.dice
        since = dice.day(start, 250)
        status = dice.pick((MilestoneStatus.PENDING, MilestoneStatus.PENDING, MilestoneStatus.HIT))
        return Milestone(
            id=f"{prediction.id}:researched-{number}",
            prediction_id=prediction.id,
            kind=MilestoneKind.RESEARCHED,
            label=self.line(),
            criterion=self.text(1),
            source=self.words(3),
            source_url=f"https://papers.example/{dice.rank(self.num_documents):06d}",
            weight=0.1,
            range_from=since,
            range_to=since + timedelta(days=dice.below(120)),
            observed_date=since if status is MilestoneStatus.HIT else None,
            status=status,
            confidence=dice.probability(),
            research_origin="llm_pre_event",
        )

    def _documents(self) -> list[str]:
        count = self.dice.count(self.degrees.documents_per_prediction)
        return sorted({f"papers.example/{self.dice.rank(self.num_documents):06d}" for _ in range(count)})

    def _evidence(
        self, prediction: Prediction, chain: Sequence[Milestone], documents: Sequence[str]
    ) -> Iterator[Evidence]:
        dice = self.dice
        for number in range(dice.count(self.degrees.evidence_per_prediction)):
            observed_at = dice.moment(date(2026, 1, 1), 150)
            llr = round(-1.5 + 3.0 * dice.uniform(), 6)
            yield Evidence(
                id=f"{prediction.id}:evidence-{number}",
                claim_id=prediction.id,
                policy="imported",
                evidence_kind="observation",
                observed_at=observed_at,
                recorded_at=observed_at + timedelta(seconds=dice.below(86_400)),
                submitted_by="intake",
                idempotency_key=f"{prediction.id}/{number}",
                note=self.text(1),
                predictor_id=f"predictor_{dice.rank(self.num_predictors):04d}" if dice.chance(0.5) else None,
                document_id=dice.pick(documents) if documents else None,
                milestone_id=dice.pick(chain).id if chain else None,
                kappa=0.5,
                total_llr=llr,
                total_adjusted_llr=llr / 2.0,
                contributions=(Contribution(llr=llr, kind="observation", label=self.line(), strength="WEAK"),),
            )

    def _validations(self, prediction: Prediction) -> Iterator[Validation]:
        for number in range(self.dice.count(self.degrees.validations_per_prediction)):
            yield Validation(
                id=f"{prediction.id}:validation-{number}",
                prediction_id=prediction.id,
                observed_at=self.dice.day(date(2026, 1, 1), 150),
                status=self.dice.pick(("ON_TRACK", "AT_RISK")),
                by="analyst",
                notes=self.text(1),
            )

    def _influences(self, number: int) -> Iterator[Influence]:
        kinds: dict[str, InfluenceKind] = {}
        if _has_hub_parent(number, self.num_predictions):
            kinds[HUB_KILLER_ID] = InfluenceKind.KILLS
        target = min(len(kinds) + self._num_own_parents(number), MAX_PARENTS)
        num_possible = number + self.num_scenarios + self.num_killers - 1
        while len(kinds) < min(target, num_possible // 2):
            parent, kind = self._parent(number)
            kinds.setdefault(parent, kind)
        for parent, kind in kinds.items():
            low, high = self.dice.probability(0.05, 0.5), self.dice.probability(0.5, 0.95)
            kills = kind is InfluenceKind.KILLS
            yield Influence(
                kind=kind,
                parent_id=parent,
                child_id=_prediction_id(number),
                p_if_true=low if kills else high,
                p_if_false=high if kills else low,
                lag_days=self.dice.below(400),
            )

    def _num_own_parents(self, number: int) -> int:
        if _prediction_id(number) == MOST_PARENTS_ID:
            return MAX_PARENTS
        if self.parent_counts is None:
            return self.dice.count(self.own_parents)
        return 1 + bisect_left(self.parent_counts, self.dice.uniform())

    def _parent(self, number: int) -> tuple[str, InfluenceKind]:
        """A scenario, a killer, or a prediction that came earlier, so that no cycle can close."""
        dice, throw = self.dice, self.dice.uniform()
        if throw < 0.35:
            return f"TK{1 + dice.rank(self.num_killers - 1):05d}", InfluenceKind.KILLS
        if throw < 0.55 or number == 0:
            return f"S_{dice.rank(self.num_scenarios):05d}", InfluenceKind.PREREQUISITE_OF
        kind = InfluenceKind.CORRELATES_WITH if dice.chance(0.3) else InfluenceKind.PREREQUISITE_OF
        return _prediction_id(dice.rank(number)), kind

    def _exposures(self, prediction: Prediction) -> Iterator[Exposure]:
        dice = self.dice
        count = dice.count(self.degrees.exposures_per_prediction)
        for rank in sorted({dice.rank(NUM_TICKERS) for _ in range(count)}):
            sign = ExposureSign.HARMS if dice.chance(0.3) else ExposureSign.BENEFITS
            yield Exposure(
                sign=sign,
                prediction_id=prediction.id,
                symbol=_symbol(rank),
                relevance=round(dice.uniform(), 2),
                impact=round(0.2 * dice.uniform(), 3) * (-1 if sign is ExposureSign.HARMS else 1),
                basis=self.line(),
                source="research",
                lag_days=dice.below(200),
            )


def synthetic_bundles(
    num_predictions: int, seed: int, max_rows_per_bundle: int = 100_000, *, degrees: Degrees | None = None
) -> Iterator[Bundle]:
    """
    A graph in parts that import in order: a part refers only to itself and to those before it.

    Args:
        num_predictions: How many predictions; the rest follows from them.
        seed: Of all that is random.
        max_rows_per_bundle: The size of a part, at least some hundred rows.
        degrees: How much hangs on a prediction.
    """
    world = _World(num_predictions, seed, degrees or Degrees())
    lists: dict[str, list[Row]] = defaultdict(list)
    num_rows = 0
    for rows in _groups(world):
        if num_rows + len(rows) > max_rows_per_bundle and num_rows:
            yield _bundle(lists)
            lists, num_rows = defaultdict(list), 0
        for row in rows:
            lists[_LISTS[type(row)]].append(row)
        num_rows += len(rows)
    yield _bundle(lists)


def import_benchmark_bundle() -> Bundle:
    """10,000 predictions with 100,000 relationships, of every kind, in one bundle."""
    degrees = Degrees(
        exposures_per_prediction=2.0,
        milestones_per_prediction=1.0,
        documents_per_prediction=0.4,
        evidence_per_prediction=0.1,
        validations_per_prediction=0.1,
    )
    (bundle,) = synthetic_bundles(10_000, seed=1, max_rows_per_bundle=MAX_ROWS, degrees=degrees)
    return bundle


def count_relationships(bundles: Iterable[Bundle]) -> Mapping[str, int]:
    """How many relationships of each type a graph of these bundles has, check-ins that the import makes included."""
    counts: Counter[str] = Counter()
    for bundle in bundles:
        claims = [claim for name in CLAIM_LISTS for claim in getattr(bundle, name) if isinstance(claim, Claim)]
        events = [row for row in bundle.milestones if row.kind is MilestoneKind.EVENT]
        sources = [(row.predictor_id, row.document_id, row.milestone_id) for row in bundle.evidence]
        counts.update(influence.kind.value for influence in bundle.influences)
        counts.update(exposure.sign.value for exposure in bundle.exposures)
        counts["MADE"] += sum(prediction.predictor_id is not None for prediction in bundle.predictions)
        counts["STATED_IN"] += sum(prediction.episode_id is not None for prediction in bundle.predictions)
        counts["IN_CLASS"] += sum(prediction.reference_class_id is not None for prediction in bundle.predictions)
        counts["IN_DOMAIN"] += sum(claim.domain_id is not None for claim in claims)
        counts["HAS_MILESTONE"] += len(bundle.milestones) + NUM_CHECK_INS * len(events)
        counts["UPDATES"] += len(bundle.evidence)
        counts["FROM"] += sum(source is not None for row in sources for source in row)
        counts["CHECKS"] += len(bundle.validations)
        counts["ABOUT"] += len(bundle.document_links)
    return counts


_LISTS: Final[Mapping[type[Row], str]] = {
    Domain: "domains",
    Episode: "episodes",
    Predictor: "predictors",
    ReferenceClass: "reference_classes",
    Ticker: "tickers",
    Document: "documents",
    Prediction: "predictions",
    Scenario: "scenarios",
    Killer: "killers",
    Milestone: "milestones",
    Evidence: "evidence",
    Validation: "validations",
    Influence: "influences",
    Exposure: "exposures",
    DocumentLink: "document_links",
}


def _groups(world: _World) -> Iterator[list[Row]]:
    """Rows that stay together in one part."""
    yield from ([row] for row in world.shared_rows())
    yield from (world.prediction_rows(number) for number in range(world.num_predictions))


def _bundle(lists: Mapping[str, Sequence[Row]]) -> Bundle:
    return Bundle.model_validate({"format": BUNDLE_FORMAT, **{name: tuple(rows) for name, rows in lists.items()}})


def _sentences(generator: np.random.Generator) -> list[str]:
    lengths = generator.integers(10, 24, NUM_SENTENCES).tolist()
    words = generator.choice(VOCABULARY, sum(lengths)).tolist()
    ends = list(accumulate(lengths))
    return [" ".join(words[end - length : end]).capitalize() + "." for length, end in zip(lengths, ends, strict=True)]


def _power_law(mean: float, largest: int) -> list[float]:
    """The cumulative probabilities of 1, 2, … `largest`, where k has a probability like k to a power of this mean."""
    sizes = np.arange(1, largest + 1, dtype=np.float64)
    low, high = 0.0, 10.0
    for _ in range(60):
        power = (low + high) / 2.0
        weights = sizes**-power
        low, high = (power, high) if (sizes * weights).sum() / weights.sum() > mean else (low, power)
    cumulative: list[float] = (np.cumsum(weights) / weights.sum()).tolist()
    return [*cumulative[:-1], 1.0]


def _prediction_id(number: int) -> str:
    return f"P_{number:06d}"


def _has_hub_parent(number: int, num_predictions: int) -> bool:
    """The hub's children lie evenly among all predictions."""
    num_children = min(MAX_HUB_CHILDREN, num_predictions)
    return number * num_children // num_predictions != (number - 1) * num_children // num_predictions


def _start_day(prediction: Prediction) -> date:
    if prediction.window_start is None:
        message = f"expected {prediction.id} to have a window"
        raise ValueError(message)
    return prediction.window_start.date()


def _symbol(number: int) -> str:
    letters = string.ascii_uppercase
    return letters[number // 676 % 26] + letters[number // 26 % 26] + letters[number % 26]
