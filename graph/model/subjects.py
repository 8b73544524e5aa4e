"""
The closed table of labels and of relationships with properties: each is declared once.

A list of a bundle has rows of one class. `NodeList` declares a list of nodes, `EdgeList` one of relationships.
Statements, checks, inputs, outputs and the schema's enums derive from these declarations.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final, get_args, get_type_hints

from pydantic import AwareDatetime

from graph.model import rows
from graph.model.kinds import ExposureSign, InfluenceKind
from graph.model.rows import Row

CLAIM: Final = "Claim"
"""The label that predictions, scenarios and killers share, within which their ids are unique."""

CLAIMS: Final = "claims"
"""The name of all three lists of claims together."""

MARK: Final = "|"  # between the parts of a relationship row's id


@dataclass(frozen=True, slots=True)
class Reference:
    """
    A property that names another node by its key, usually stored as a relationship.

    Attributes:
        property: The property's name, such as `predictor_id`.
        target: The label of the node named; `Claim` if it may be a claim of any kind.
        relationship: The relationship's type; None if there is no relationship besides the property.
        is_outgoing: Whether the relationship starts at the node that has the property.
    """

    property: str
    target: str
    relationship: str | None = None
    is_outgoing: bool = True


@dataclass(frozen=True)
class NodeList:
    """
    A label, declared once.

    Attributes:
        name: The list's name in a bundle.
        row: The rows' class, whose name is the label.
        key: The properties that identify a node; a constraint of the database keeps them unique.
        references: The references to other nodes, the owner aside.
        owner: The reference to the node that it belongs to; None if it belongs to none.
        has_derived: Whether values computed from other rows are stored with a new row's own.
        derived_moments: The names of those values that are moments.
        keeps_references: Whether a row's references never change, so that none of its relationships is ever removed.
        has_index: Whether the label has an index of its key; otherwise its nodes are found through that of their space.
        is_bulk: Whether there are so many rows that moments are sent to the database as text, which the driver encodes
            in a hundredth of the time.
        titles: The properties that name a node; search finds a node by them first.
        texts: The other properties that search covers.
        is_created: Whether an import tells which rows are new, so that they are created without a look for old ones.
        is_subject: Whether clients see it as a node.
    """

    name: str
    row: type[Row]
    key: tuple[str, ...] = ("id",)
    references: tuple[Reference, ...] = ()
    owner: Reference | None = None
    has_derived: bool = False
    derived_moments: tuple[str, ...] = ()
    keeps_references: bool = False
    has_index: bool = True
    is_bulk: bool = False
    titles: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    is_created: bool = False
    is_subject: bool = True

    @cached_property
    def label(self) -> str:
        """The label, such as `ReferenceClass`."""
        return self.row.__name__

    @cached_property
    def noun(self) -> str:
        """The label in words, such as `reference class`."""
        return noun_of(self.label)

    @cached_property
    def is_claim(self) -> bool:
        """Whether the nodes have the label `Claim` too."""
        return issubclass(self.row, rows.Claim)

    @cached_property
    def space(self) -> str:
        """The label within which keys are unique."""
        return CLAIM if self.is_claim else self.label

    @cached_property
    def text_moments(self) -> tuple[str, ...]:
        """The names of the moments that are sent to the database as text."""
        if not self.is_bulk:
            return ()
        hints = get_type_hints(self.row, include_extras=True)
        return tuple(name for name in self.row.model_fields if _is_moment(hints[name]))

    def key_of(self, row: Row) -> str:
        """Return the key of a row, unique in the list."""
        return "@".join(str(getattr(row, name)) for name in self.key)


@dataclass(frozen=True)
class EdgeList:
    """
    A relationship with properties of its own, declared once.

    Attributes:
        name: The list's name in a bundle.
        row: The rows' class.
        start: The reference to the node at which the relationship starts.
        end: The reference to the node at which it ends.
        types: The relationship's types.
        type_property: The property that holds the type; None if there is only one.
        export_key: The page key in whose order all are exported; one without it has just been made by an upsert.
        own_key: The property that identifies a relationship where there may be many between two nodes; such rows are
            append-only. None where its type and its ends do.
    """

    name: str
    row: type[Row]
    start: Reference
    end: Reference
    types: tuple[str, ...]
    type_property: str | None
    export_key: str
    own_key: str | None = None

    @cached_property
    def noun(self) -> str:
        """The rows' name in words, such as `document link`."""
        return noun_of(self.row.__name__)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The references to both ends."""
        return (self.start, self.end)

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The properties that identify a relationship: its own key, or its type, if there are several, and its ends."""
        if self.own_key is not None:
            return (self.own_key,)
        ends = (self.start.property, self.end.property)
        return ends if self.type_property is None else (self.type_property, *ends)

    def key_of(self, row: Row) -> str:
        """Return the key of a row, unique in the list."""
        return MARK.join(str(getattr(row, name)) for name in self.key)


def _is_moment(hint: Any) -> bool:
    return hint is AwareDatetime or any(_is_moment(part) for part in get_args(hint))


def _is_day(hint: Any) -> bool:
    return hint is date or any(_is_day(part) for part in get_args(hint))


def noun_of(name: str) -> str:
    """Return a class's name in words: `reference class` for `ReferenceClass`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article: `an episode`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


_IN_DOMAIN: Final = Reference("domain_id", "Domain", "IN_DOMAIN")
_TITLE: Final = ("title",)
_CLAIM_TEXTS: Final = ("text",)
_CLAIM_MOMENTS: Final = ("last_recorded_at", "posterior_as_of")

NODE_LISTS: Final = (
    NodeList(
        "predictions",
        rows.Prediction,
        references=(
            Reference("predictor_id", "Predictor", "MADE", is_outgoing=False),
            Reference("episode_id", "Episode", "STATED_IN"),
            Reference("reference_class_id", "ReferenceClass", "IN_CLASS"),
            _IN_DOMAIN,
        ),
        has_derived=True,
        derived_moments=_CLAIM_MOMENTS,
        is_bulk=True,
        titles=_TITLE,
        texts=(*_CLAIM_TEXTS, "verbatim_quote", "context", "key_catalyst", "watch_events", "resolution_evidence"),
        is_created=True,
    ),
    NodeList(
        "scenarios",
        rows.Scenario,
        references=(_IN_DOMAIN,),
        has_derived=True,
        derived_moments=_CLAIM_MOMENTS,
        is_bulk=True,
        titles=_TITLE,
        texts=_CLAIM_TEXTS,
        is_created=True,
    ),
    NodeList(
        "killers",
        rows.Killer,
        references=(_IN_DOMAIN,),
        has_derived=True,
        derived_moments=_CLAIM_MOMENTS,
        is_bulk=True,
        titles=_TITLE,
        texts=_CLAIM_TEXTS,
        is_created=True,
    ),
    NodeList("predictors", rows.Predictor, titles=("name",)),
    NodeList("reference_classes", rows.ReferenceClass, titles=("description",)),
    NodeList(
        "milestones",
        rows.Milestone,
        owner=Reference("prediction_id", "Prediction", "HAS_MILESTONE", is_outgoing=False),
        titles=("label",),
        texts=("criterion", "notes"),
        is_created=True,
    ),
    NodeList(
        "evidence",
        rows.Evidence,
        owner=Reference("claim_id", CLAIM, "UPDATES"),
        references=(
            Reference("predictor_id", "Predictor", "FROM"),
            Reference("document_id", "Document", "FROM"),
            Reference("milestone_id", "Milestone", "FROM"),
            Reference("reference_class_id", "ReferenceClass"),
            Reference("retracts_id", "Evidence"),
        ),
        has_derived=True,
        keeps_references=True,
        is_bulk=True,
        texts=("note",),
    ),
    NodeList(
        "validations",
        rows.Validation,
        owner=Reference("prediction_id", "Prediction", "CHECKS"),
        texts=("status", "notes"),
    ),
    NodeList("tickers", rows.Ticker, key=("symbol",), titles=("symbol", "name")),
    NodeList("documents", rows.Document, is_bulk=True, titles=_TITLE),
    NodeList("episodes", rows.Episode, titles=_TITLE),
    NodeList("domains", rows.Domain, titles=("id", "name")),
    NodeList("saved_queries", rows.SavedQuery, key=("name", "version"), is_subject=False),
    NodeList("portfolios", rows.Portfolio, is_subject=False),
    NodeList("claim_families", rows.ClaimFamily, is_subject=False),
    NodeList("propagation_runs", rows.PropagationRun, is_subject=False),
    NodeList("versions", rows.Version, is_bulk=True, is_subject=False),
)

EDGE_LISTS: Final = (
    EdgeList(
        "influences",
        rows.Influence,
        start=Reference("parent_id", CLAIM),
        end=Reference("child_id", CLAIM),
        types=tuple(InfluenceKind),
        type_property="kind",
        export_key="outgoing_key",
    ),
    EdgeList(
        "exposures",
        rows.Exposure,
        start=Reference("prediction_id", "Prediction"),
        end=Reference("symbol", "Ticker"),
        types=tuple(ExposureSign),
        type_property="sign",
        export_key="prediction_key",
    ),
    EdgeList(
        "document_links",
        rows.DocumentLink,
        start=Reference("document_id", "Document"),
        end=Reference("claim_id", CLAIM),
        types=("ABOUT",),
        type_property=None,
        export_key="document_key",
    ),
    EdgeList(
        "forecasts",
        rows.Forecast,
        start=Reference("predictor_id", "Predictor"),
        end=Reference("claim_id", CLAIM),
        types=("FORECASTS",),
        type_property=None,
        export_key="forecast_key",
        own_key="id",
    ),
)

ROW_LISTS: Final[Mapping[str, NodeList | EdgeList]] = {listed.name: listed for listed in (*NODE_LISTS, *EDGE_LISTS)}
"""Every list of a bundle by its name."""

SIGNED_LISTS: Final = tuple(listed.name for listed in EDGE_LISTS if listed.type_property is not None)
"""The lists of relationships whose type says which way they move their end."""

SUBJECTS: Final = tuple(listed.label for listed in NODE_LISTS if listed.is_subject)
"""The labels that clients see as nodes."""

CLAIM_LISTS: Final = tuple(listed.name for listed in NODE_LISTS if listed.is_claim)
CLAIM_SUBJECTS: Final = tuple(listed.label for listed in NODE_LISTS if listed.is_claim)

_BY_LABEL: Final[Mapping[str, NodeList]] = {listed.label: listed for listed in NODE_LISTS}
_BY_ROW: Final[Mapping[type[Row], NodeList | EdgeList]] = {listed.row: listed for listed in ROW_LISTS.values()}
_LABELS: Final = frozenset(SUBJECTS)


def list_of(label: str) -> NodeList:
    """Return the declaration of a label."""
    return _BY_LABEL[label]


def row_id(row: Row) -> str:
    """Return the key of a row, unique in its list."""
    return _BY_ROW[type(row)].key_of(row)


def subject_of(labels: Iterable[str]) -> str:
    """Return the subject among a node's labels."""
    return next(label for label in labels if label in _LABELS)


def target_list(reference: Reference) -> str:
    """Return the list that a reference's target is in; `claims` if that may be any of the three lists of claims."""
    return CLAIMS if reference.target == CLAIM else _BY_LABEL[reference.target].name


def references_of(listed: NodeList | EdgeList) -> tuple[Reference, ...]:
    """Return all references of a list's rows, the owner first."""
    owner = listed.owner if isinstance(listed, NodeList) else None
    return listed.references if owner is None else (owner, *listed.references)


def plain_properties(row: type[Row]) -> tuple[str, ...]:
    """Return the properties of a row class or a base that neither identify a node nor are stored as relationships."""
    others: set[str] = set()
    for listed in ROW_LISTS.values():
        if issubclass(listed.row, row):
            is_node = isinstance(listed, NodeList)
            others.update(listed.key if is_node else ())
            others.update(named.property for named in references_of(listed) if named.relationship or not is_node)
    return tuple(name for name in row.model_fields if name not in others)


REFERENCED_LISTS: Final = tuple(
    dict.fromkeys(
        CLAIMS if reference.target in {CLAIM, *CLAIM_SUBJECTS} else target_list(reference)
        for listed in ROW_LISTS.values()
        for reference in references_of(listed)
    )
)
"""The lists that rows of other lists refer to, the three lists of claims as one."""

STAMPS: Final = ("created_at", "updated_at")
"""The moments at which a node was created in this graph and changed last, which statements set that write it."""

TEMPORAL: Final = frozenset(
    [
        name
        for listed in (*NODE_LISTS, *EDGE_LISTS)
        for name, hint in get_type_hints(listed.row, include_extras=True).items()
        if _is_moment(hint) or _is_day(hint)
    ]
    + [name for listed in NODE_LISTS for name in listed.derived_moments]
    + ["marginal_as_of", "versioned_at", *STAMPS]
)
"""The names of all properties of nodes and relationships that are moments or days."""
