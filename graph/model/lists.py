"""
The closed table of lists: which nodes each has, by what it is filtered and sorted, and the index that serves it.

Inputs of the schema, statements, cursors and the tests of plans derive from it. A list is walked in the order of a page
key, by an index of that key alone or of a property and that key: for each value asked for of the property, one walk,
and their rows are merged, so that a page costs by its size and by the number of values. A condition on another node
begins there instead where that node has few rows.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from graph.model.kinds import ClaimStatus, MilestoneKind, MilestoneStatus, PredictionMode
from graph.model.page_keys import (
    LAST,
    count_text,
    deadline_text,
    moment_text,
    probability_text,
    stamp_text,
)
from graph.model.standings import Standing, last_overdue_day
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS
from graph.model.values import Day, Moment, Probability

ID: Final = "id"
MOST_VALUES: Final = 100
"""The most values of a condition that takes several; each costs a walk."""


class ClaimKind(StrEnum):
    """Kinds of claims."""

    PREDICTION = "Prediction"
    SCENARIO = "Scenario"
    KILLER = "Killer"


@dataclass(frozen=True, slots=True)
class Start:
    """
    Another node at which reading begins if it has few of a list's nodes.

    Attributes:
        label: Its label.
        path: The relationships from it to the list's nodes; the first of them are counted.
        key: The property that identifies it.
    """

    label: str
    path: str
    key: str = "id"

    @property
    def degree(self) -> str:
        """The pattern of the relationships that are counted."""
        return f"{self.path.partition('()')[0]}()"


@dataclass(frozen=True, slots=True)
class Condition:
    """
    A condition by which a list is filtered.

    Attributes:
        name: The condition's name, and that of its value.
        type: The type of the value, or of each value if it takes several; `ID` for the id of a node.
        description: Its description in the schema.
        test: The test of a node `n`, with `{}` for the value.
        is_many: Whether it takes several values, one of which must hold.
        subjects: The subjects of the node that an id names.
        start: The node at which reading may begin.
        begins_at: The property whose index gives the nodes, at which reading may begin if they are few; None without.
        seek: The test by which that index gives them, where it is not that the property has one of the values.
        drifts: Whether it depends on the moment when it is asked.
        is_own: Whether the list sets it itself (see `Listed.settled`), so that nobody can give it.
        plural: The name under which several ids can be given; under the condition's own name it takes one.
    """

    name: str
    type: Any
    description: str
    test: str
    is_many: bool = False
    subjects: tuple[str, ...] = ()
    start: Start | None = None
    drifts: bool = False
    plural: str | None = None
    begins_at: str | None = None
    seek: str | None = None
    is_own: bool = False

    @property
    def may_begin(self) -> bool:
        """Whether reading may begin at its nodes."""
        return self.start is not None or self.begins_at is not None


@dataclass(frozen=True, slots=True)
class Part:
    """
    The rows with one value of the first column, where conditions bound the sort key of these rows alone.

    Attributes:
        value: The value.
        ranges: The names of the conditions: the lower and the upper bound, of which a filter sets both or none.
    """

    value: str
    ranges: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """
    A property before an index's page key.

    Attributes:
        name: The property.
        condition: The condition that gives its values.
        values: The values that there are, walked if none are given; None where the index serves only with some.
    """

    name: str
    condition: str
    values: tuple[str, ...] | None = None

    @property
    def test(self) -> str:
        """The test of a node `n` that the index makes unnecessary."""
        return f"n.{self.name} IN own.{self.condition}"


@dataclass(frozen=True, slots=True)
class Index:
    """
    An index of a page key, within each combination of values of the columns before it.

    Attributes:
        label: The label.
        columns: The columns before the page key.
    """

    label: str
    columns: tuple[Column, ...] = ()

    def serves(self, names: Collection[str]) -> bool:
        """Whether it serves a filter that sets the conditions of these names."""
        return all(column.condition in names or column.values is not None for column in self.columns)

    def names(self, condition: str) -> bool:
        """Whether a condition gives the values of a column."""
        return any(column.condition == condition for column in self.columns)

    def holds_only(self, label: str) -> bool:
        """Whether all nodes that a walk of it finds have a label."""
        return label == self.label or any(column.values == (label,) for column in self.columns)


@dataclass(frozen=True, slots=True)
class SortKey:
    """
    An order of a list.

    Attributes:
        name: The name.
        property: The page key.
        description: Its description in the schema.
        indexes: The indexes that serve it, the most selective first; the last one serves every filter.
        ranges: The names of the conditions that are bounds of the key: the lower and the upper one, None without.
        text: Formats a bound as the key does.
        part: The part of a column's rows whose range of the key is narrower; None without.
    """

    name: str
    property: str
    description: str
    indexes: tuple[Index, ...]
    ranges: tuple[str | None, str | None] = (None, None)
    text: Callable[[Any], str] = str
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """
    A list of nodes.

    Attributes:
        name: The name of the query.
        noun: What its inputs are named by, such as `Prediction`.
        label: The label of its nodes, by which they are read.
        conditions: The conditions that it can be filtered by.
        sorts: Its orders, the default first.
        is_descending: Whether the default order is descending.
        is_searched: Whether it can be filtered by text.
        settled: Returns the conditions' values as they are stored, where a condition asks for what follows from them.
    """

    name: str
    noun: str
    label: str
    conditions: tuple[Condition, ...]
    sorts: tuple[SortKey, ...]
    is_descending: bool = False
    is_searched: bool = False
    settled: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda values: values

    def condition(self, name: str) -> Condition:
        """Return the condition of a name."""
        return next(found for found in self.conditions if found.name == name)

    def sort(self, name: str) -> SortKey:
        """Return the order of a name."""
        return next(found for found in self.sorts if found.name == name)


_PLURALS: Final = {"predictor": "predictors", "domain": "domains", "claim": "claims", "ticker": "tickers"}


def _related(name: str, description: str, start: Start, *subjects: str, through: str | None = None) -> Condition:
    """Declare a condition that a node, or one that it belongs to, is tied to one of some others."""
    test = through or f"EXISTS {{ (a:{start.label}){start.path}(n) WHERE a.{start.key} IN {{}} }}"
    return Condition(
        name,
        ID,
        description,
        test,
        is_many=True,
        subjects=subjects or (start.label,),
        start=start,
        plural=_PLURALS.get(name),
    )


def _range(name: str, property_name: str, value: Any, descriptions: tuple[str, str]) -> tuple[Condition, Condition]:
    """Declare the conditions that a property is at least and at most some value."""
    low, high = descriptions
    return (
        Condition(f"{name}_from", value, low, f"n.{property_name} >= {{}}"),
        Condition(f"{name}_to", value, high, f"n.{property_name} <= {{}}"),
    )


CHANGED_SINCE: Final = Condition(
    "changed_since",
    Moment,
    "Created or changed at this moment or later; sort by UPDATED to follow changes. A change is one of the node's own "
    "properties, of an outcome or of the evidence on it, not of its links or of what time and propagation do.",
    "n.updated_at >= {}",
)

_OF_PREDICTOR: Final = Index(CLAIM, (Column("predictor_id", "predictor"),))
_OF_CLASS: Final = Index(CLAIM, (Column("reference_class_id", "reference_class"),))


def _claim_sorts(*kinds: ClaimKind) -> tuple[SortKey, ...]:
    """
    Return the orders of claims of some kinds.

    Their indexes keep the kinds apart, so that the few of one are not looked for among the many of another.
    """
    kind = Column("kind_key", "kind", kinds)
    of_domain = Index(CLAIM, (kind, Column("domain_id", "domain")))
    of_all = Index(CLAIM, (kind, Column("status", "status", tuple(ClaimStatus))))
    by_anchor = (_OF_PREDICTOR, _OF_CLASS, of_domain, of_all)
    by_hub = (_OF_PREDICTOR, of_domain, of_all)
    return (
        SortKey(
            "deadline",
            "deadline_key",
            "By deadline; without one last.",
            by_anchor,
            ("deadline_from", "deadline_to"),
            deadline_text,
        ),
        SortKey(
            "posterior",
            "probability_key",
            "By posterior as last stored, at a write or a scheduled refresh; without one first.",
            by_anchor,
            ("probability_from", "probability_to"),
            probability_text,
        ),
        SortKey(
            "marginal",
            "marginal_key",
            "By stored marginal, to six decimals, as of the last propagation; without one first.",
            by_hub,
        ),
        SortKey(
            "disagreement",
            "disagreement_key",
            "By |marginal - posterior|, both as last stored, to six decimals; without one first.",
            by_hub,
        ),
        SortKey(
            "change_7_days",
            "change_7_key",
            "By change of the posterior over 7 days, to six decimals: as last stored, against 7 days before the last "
            "scheduled refresh, or before it was added if that is later; falls first, without one before them.",
            by_hub,
        ),
        SortKey(
            "change_30_days",
            "change_30_key",
            "By change of the posterior over 30 days; otherwise as CHANGE_7_DAYS.",
            by_hub,
        ),
        SortKey("evidence_count", "evidence_count_key", "By number of rows in its ledger.", by_hub),
        SortKey("last_evidence", "last_evidence_key", "By moment of its last ledger row; without one first.", by_hub),
        SortKey("stated", "stated_key", "By stated probability; without one first.", by_hub),
        SortKey("created", "created_key", "By moment of creation; unknown ones first.", by_hub),
        SortKey(
            "updated",
            "updated_key",
            "By moment of the last change; unknown ones first.",
            by_hub,
            ("changed_since", None),
            stamp_text,
        ),
        SortKey("key", "id", "By key.", (Index(CLAIM, (kind,)),)),
    )


def _claim_sorts_by_key(kind: ClaimKind) -> tuple[SortKey, ...]:
    """Return the orders of claims of a kind, that by key first."""
    *others, by_key = _claim_sorts(kind)
    return by_key, *others


def _has_evidence(key: str) -> str:
    """Compose the bounds of the page key by number of ledger rows, of claims with or without any."""
    one = count_text(1)
    return f"{key} > CASE WHEN {{}} THEN '{one}' ELSE '' END AND {key} < CASE WHEN {{}} THEN '{LAST}' ELSE '{one}' END"


_CLAIM_CONDITIONS: Final = (
    Condition("status", ClaimStatus, "Any of these statuses.", "n.status IN {}", is_many=True),
    _related(
        "domain",
        "Id or key of the domain that it belongs to.",
        Start("Domain", "<-[:IN_DOMAIN]-"),
        through="n.domain_id IN {}",
    ),
    _related(
        "killer",
        "Id or key of a killer that bears on it.",
        Start(CLAIM, "-[:KILLS]->"),
        "Killer",
        "Scenario",
        "Prediction",
    ),
    _related(
        "prerequisite",
        "Id or key of a claim that is a prerequisite of it.",
        Start(CLAIM, "-[:PREREQUISITE_OF]->"),
        "Prediction",
        "Scenario",
        "Killer",
    ),
    _related(
        "document",
        "Id or key of a document that is about it.",
        Start("Document", "-[:ABOUT]->"),
    ),
    *_range(
        "deadline",
        "deadline",
        Moment,
        ("Deadline at this moment or later.", "Deadline at this moment or earlier."),
    ),
    *_range(
        "probability",
        "posterior",
        Probability,
        ("Stored posterior of at least this.", "Stored posterior of at most this."),
    ),
    Condition(
        "has_evidence",
        bool,
        "Whether it has rows in its ledger.",
        "(coalesce(n.num_evidence, 0) > 0) = {}",
        begins_at="evidence_count_key",
        seek=_has_evidence("n.evidence_count_key"),
    ),
    Condition(
        "is_past_deadline",
        bool,
        "Whether its deadline has passed by now; without one it has not.",
        "coalesce(n.deadline <= datetime.statement(), false) = {}",
        drifts=True,
    ),
    CHANGED_SINCE,
)

_PREDICTION_CONDITIONS: Final = (
    _related(
        "predictor",
        "Id or key of the predictor who made it.",
        Start("Predictor", "-[:MADE]->"),
        through="n.predictor_id IN {}",
    ),
    _related(
        "reference_class",
        "Id or key of the reference class that it belongs to.",
        Start("ReferenceClass", "<-[:IN_CLASS]-"),
        through="n.reference_class_id IN {}",
    ),
    _related(
        "episode",
        "Id or key of the episode in which it was made.",
        Start("Episode", "<-[:STATED_IN]-"),
        through="n.episode_id IN {}",
    ),
    _related(
        "ticker",
        "Id or symbol of a ticker that it benefits or harms.",
        Start("Ticker", "<-[:BENEFITS|HARMS]-", key="symbol"),
    ),
    Condition("mode", PredictionMode, "Any of these modes.", "n.mode IN {}", is_many=True, begins_at="mode"),
)


def _sorts(label: str, *own: SortKey, key: str = "id") -> tuple[SortKey, ...]:
    """Return the orders of a label: some of its own, and those that every list has."""
    return (
        *own,
        SortKey("key", key, "By key.", (Index(label),)),
        SortKey("created", "created_key", "By moment of creation; unknown ones first.", (Index(label),)),
        SortKey(
            "updated",
            "updated_key",
            "By moment of the last change; unknown ones first.",
            (Index(label),),
            ("changed_since", None),
            stamp_text,
        ),
    )


def _with_standings(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    Ask for the standings that may have a status by now.

    Those that wait are PENDING or OVERDUE by the day on which they are due, so that where one of these statuses alone
    is asked for, they are so between days.
    """
    asked = values.get("status")
    if asked is None:
        return values
    is_pending, is_overdue = MilestoneStatus.PENDING in asked, MilestoneStatus.OVERDUE in asked
    if not is_pending and not is_overdue:
        return values
    standings = sorted({*asked, Standing.WAITING.value})
    if is_pending and is_overdue:
        return {**values, "status": standings}
    last_overdue = last_overdue_day(datetime.now(UTC))
    days = (date.min, last_overdue) if is_overdue else (last_overdue + timedelta(days=1), date.max)
    return {**values, "status": standings, **dict(zip(_WAITING.ranges, days, strict=True))}


_DUE: Final = "coalesce(n.range_to, n.expected_date)"
_WAITING: Final = Part(Standing.WAITING, ("waiting_from", "waiting_to"))
_STANDING: Final = Column("status_key", "status", tuple(Standing))
_ALL_MILESTONES: Final = Index("Milestone", (_STANDING,))
_PUBLISHED: Final = "By moment of publication; without one first."

LISTS: Final = (
    Listed(
        "predictions",
        "Prediction",
        "Prediction",
        (*_PREDICTION_CONDITIONS, *_CLAIM_CONDITIONS),
        _claim_sorts(ClaimKind.PREDICTION),
        is_searched=True,
    ),
    Listed(
        "claims",
        "Claim",
        CLAIM,
        (
            Condition("kind", ClaimKind, "Any of these kinds.", "n.kind_key IN {}", is_many=True),
            *_PREDICTION_CONDITIONS,
            *_CLAIM_CONDITIONS,
        ),
        _claim_sorts(*ClaimKind),
        is_searched=True,
    ),
    *(
        Listed(name, kind, kind, _CLAIM_CONDITIONS, _claim_sorts_by_key(kind), is_searched=True)
        for name, kind in (("scenarios", ClaimKind.SCENARIO), ("killers", ClaimKind.KILLER))
    ),
    Listed(
        "milestones",
        "Milestone",
        "Milestone",
        (
            Condition(
                "status",
                MilestoneStatus,
                "Any of these statuses, as they are now.",
                "n.status_key IN {}",
                is_many=True,
                drifts=True,
            ),
            *(
                Condition(
                    name,
                    Day,
                    f"Of those that wait, those due on this day or {word}.",
                    f"(n.status_key <> '{Standing.WAITING}' OR {_DUE} {sign} {{}})",
                    drifts=True,
                    is_own=True,
                )
                for name, word, sign in zip(_WAITING.ranges, ("later", "earlier"), (">=", "<="), strict=True)
            ),
            _related(
                "prediction",
                "Id or key of the prediction that it belongs to.",
                Start(CLAIM, "-[:HAS_MILESTONE]->"),
                through="n.prediction_id IN {}",
            ),
            _related(
                "predictor",
                "Id or key of the predictor who made its prediction.",
                Start("Predictor", "-[:MADE]->()-[:HAS_MILESTONE]->"),
            ),
            _related(
                "domain",
                "Id or key of the domain that its prediction belongs to.",
                Start("Domain", "<-[:IN_DOMAIN]-()-[:HAS_MILESTONE]->"),
            ),
            Condition("kind", MilestoneKind, "Any of these kinds.", "n.kind IN {}", is_many=True, begins_at="kind"),
            Condition(
                "due_from",
                Day,
                "Due on this day or later; a milestone with a range of days is due on the last.",
                f"{_DUE} >= {{}}",
            ),
            Condition("due_to", Day, "Due on this day or earlier.", f"{_DUE} <= {{}}"),
            CHANGED_SINCE,
        ),
        (
            SortKey(
                "due",
                "calendar_key",
                "By the day on which it is due, the last of its range.",
                (Index("Milestone", (_STANDING, Column("kind", "kind"))), _ALL_MILESTONES),
                ("due_from", "due_to"),
                str,
                part=_WAITING,
            ),
            SortKey("chain", "chain_key", "By prediction, and in its chain by ordinal.", (Index("Milestone"),)),
            SortKey("key", "id", "By key.", (Index("Milestone"),)),
            SortKey("created", "created_key", "By moment of creation; unknown ones first.", (_ALL_MILESTONES,)),
            SortKey(
                "updated",
                "updated_key",
                "By moment of the last change; unknown ones first.",
                (_ALL_MILESTONES,),
                ("changed_since", None),
                stamp_text,
            ),
        ),
        settled=_with_standings,
    ),
    Listed(
        "evidence",
        "Evidence",
        "Evidence",
        (
            _related(
                "claim",
                "Id or key of the claim that it bears on.",
                Start(CLAIM, "<-[:UPDATES]-"),
                *CLAIM_SUBJECTS,
                through="n.claim_id IN {}",
            ),
            _related(
                "predictor",
                "Id or key of the predictor whose evidence it is.",
                Start("Predictor", "<-[:FROM]-"),
                through="n.predictor_id IN {}",
            ),
            _related(
                "document",
                "Id or key of the document that it comes from.",
                Start("Document", "<-[:FROM]-"),
                through="n.document_id IN {}",
            ),
            _related(
                "milestone",
                "Id or key of the milestone that it comes from.",
                Start("Milestone", "<-[:FROM]-"),
                through="n.milestone_id IN {}",
            ),
            Condition("url", str, "Any of these addresses of sources.", "n.url IN {}", is_many=True, begins_at="url"),
            Condition(
                "kind",
                str,
                "Any of these kinds of evidence.",
                "n.evidence_kind IN {}",
                is_many=True,
                begins_at="evidence_kind",
            ),
            *_range(
                "recorded",
                "recorded_at",
                Moment,
                ("Added to the ledger at this moment or later.", "Added to the ledger at this moment or earlier."),
            ),
            *_range(
                "observed",
                "observed_at",
                Moment,
                ("Observed at this moment or later.", "Observed at this moment or earlier."),
            ),
        ),
        (
            SortKey(
                "recorded",
                "recorded_key",
                "By moment of recording.",
                (
                    Index("Evidence", (Column("claim_id", "claim"),)),
                    Index("Evidence", (Column("predictor_id", "predictor"),)),
                    Index("Evidence", (Column("url", "url"),)),
                    Index("Evidence"),
                ),
                ("recorded_from", "recorded_to"),
                moment_text,
            ),
            SortKey(
                "observed",
                "observed_key",
                "By moment of observation.",
                (Index("Evidence"),),
                ("observed_from", "observed_to"),
                moment_text,
            ),
            SortKey("key", "id", "By key.", (Index("Evidence"),)),
        ),
        is_descending=True,
    ),
    Listed(
        "validations",
        "Validation",
        "Validation",
        (
            _related(
                "prediction",
                "Id or key of the prediction that it assesses.",
                Start(CLAIM, "<-[:CHECKS]-"),
                through="n.prediction_id IN {}",
            ),
            Condition("by", str, "Made by any of these.", "n.by IN {}", is_many=True, begins_at="by"),
            *_range(
                "observed", "observed_at", Day, ("Assessed on this day or later.", "Assessed on this day or earlier.")
            ),
            CHANGED_SINCE,
        ),
        _sorts(
            "Validation",
            SortKey(
                "observed",
                "observed_key",
                "By day of the assessment.",
                (Index("Validation"),),
                ("observed_from", "observed_to"),
                str,
            ),
        ),
        is_descending=True,
    ),
    Listed(
        "predictors",
        "Predictor",
        "Predictor",
        (
            Condition(
                "resolved_count_from",
                int,
                "At least this many resolved predictions in the record in use.",
                "coalesce(n.n_resolved, 0) >= {}",
            ),
            CHANGED_SINCE,
        ),
        (
            *_sorts("Predictor"),
            SortKey(
                "brier",
                "brier_key",
                "By Brier score of the record in use, the best first; without one last.",
                (Index("Predictor"),),
            ),
            SortKey(
                "resolved_count",
                "resolved_count_key",
                "By number of resolved predictions in the record in use.",
                (Index("Predictor"),),
                ("resolved_count_from", None),
                count_text,
            ),
            SortKey("kappa", "kappa_key", "By weight of the next evidence; without one last.", (Index("Predictor"),)),
        ),
    ),
    Listed("reference_classes", "ReferenceClass", "ReferenceClass", (CHANGED_SINCE,), _sorts("ReferenceClass")),
    Listed(
        "tickers",
        "Ticker",
        "Ticker",
        (
            Condition("symbols", str, "Any of these symbols.", "n.symbol IN {}", is_many=True, begins_at="symbol"),
            Condition(
                "exchange",
                str,
                "Traded on any of these exchanges.",
                "n.exchange IN {}",
                is_many=True,
                begins_at="exchange",
            ),
            Condition("sector", str, "In any of these sectors.", "n.sector IN {}", is_many=True, begins_at="sector"),
            CHANGED_SINCE,
        ),
        _sorts("Ticker", key="symbol"),
    ),
    Listed(
        "documents",
        "Document",
        "Document",
        (
            _related(
                "claim",
                "Id or key of a claim that it is about.",
                Start(CLAIM, "<-[:ABOUT]-"),
                *CLAIM_SUBJECTS,
            ),
            Condition("kind", str, "Any of these kinds.", "n.kind IN {}", is_many=True, begins_at="kind"),
            *_range(
                "published",
                "published_at",
                Moment,
                ("Published at this moment or later.", "Published at this moment or earlier."),
            ),
            CHANGED_SINCE,
        ),
        (
            *_sorts("Document"),
            SortKey(
                "published",
                "published_key",
                _PUBLISHED,
                (Index("Document"),),
                ("published_from", "published_to"),
                moment_text,
            ),
        ),
    ),
    Listed(
        "episodes",
        "Episode",
        "Episode",
        (CHANGED_SINCE,),
        (*_sorts("Episode"), SortKey("published", "published_key", _PUBLISHED, (Index("Episode"),))),
    ),
    Listed("domains", "Domain", "Domain", (CHANGED_SINCE,), _sorts("Domain")),
)

BY_NAME: Final[Mapping[str, Listed]] = {listed.name: listed for listed in LISTS}
