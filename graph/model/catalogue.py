"""
The graph explained: labels, relationship types and their properties, with descriptions, for those who write Cypher.

It is made from the declarations of rows and of subjects, so it cannot tell another story than the code. Beside the
properties of rows, the database holds derived values, which are described here, and internals, which are only told
apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cache
from inspect import getdoc
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime

from graph.model import rows
from graph.model.page_keys import CHANGE_DAYS
from graph.model.properties import json_properties, parallel_lists
from graph.model.rows import Row
from graph.model.subjects import CLAIM, EDGE_LISTS, NODE_LISTS, SUBJECTS, EdgeList, NodeList, Reference, references_of
from graph.model.versions import VERSIONED

INTERNAL_LABELS: Final = frozenset(
    {
        "Change",
        "ChangeWebhook",
        "FeedEvent",
        "Graph",
        "Job",
        "QueryDelivery",
        "QuerySchedule",
        "Receipt",
        "SavedQuery",
    }
)
"""Labels of nodes that the service keeps for itself; saved queries have a list of their own in the API."""


class Origin(Enum):
    """Whether a property's value is GIVEN by mutations and imports, or DERIVED from other rows at every write."""

    GIVEN = "GIVEN"
    DERIVED = "DERIVED"


@dataclass(frozen=True, slots=True)
class Property:
    """
    A property of a label or of a relationship type.

    Attributes:
        name: Its name.
        type: Its Cypher type, such as `ZONED DATETIME`.
        description: Its meaning, with the unit.
        origin: Where its value comes from.
        is_key: Whether it identifies the node, together with the label's other keys.
        is_json: Whether it is a text that holds JSON.
    """

    name: str
    type: str
    description: str
    origin: Origin
    is_key: bool = False
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class NodeType:
    """
    A label.

    Attributes:
        label: The label.
        other_labels: Labels that its nodes have besides.
        description: The nodes' meaning.
        properties: The properties that its nodes may have, keys first.
    """

    label: str
    other_labels: tuple[str, ...]
    description: str
    properties: tuple[Property, ...]


@dataclass(frozen=True, slots=True)
class Ends:
    """The labels at which a relationship starts and ends; `Claim` where they may be claims of any kind."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class RelationshipType:
    """
    A type of relationships.

    Attributes:
        type: The type.
        ends: The pairs of labels that it joins.
        description: The meaning of a relationship from its start to its end.
        properties: The properties that it may have.
    """

    type: str
    ends: tuple[Ends, ...]
    description: str
    properties: tuple[Property, ...]


_MEANINGS: Final[Mapping[str, str]] = {
    "MADE": "The predictor made the prediction.",
    "STATED_IN": "The prediction was made in the episode.",
    "IN_CLASS": "The prediction belongs to the reference class, which gives its outside view.",
    "IN_DOMAIN": "The claim belongs to the domain.",
    "HAS_MILESTONE": "The prediction has the milestone among its check-ins and events.",
    "UPDATES": "The row of the evidence ledger updates the belief in the claim.",
    "FROM": "The evidence comes from the predictor, the document or the milestone.",
    "CHECKS": "The validation assesses the prediction.",
    "ABOUT": "The document is about the claim.",
    "FORECASTS": "The predictor gives the claim a probability, or retracts one; there are many over time.",
    "PREREQUISITE_OF": "The parent has to come true first: it raises the probability of the child.",
    "KILLS": "The parent would kill the child: it lowers its probability.",
    "CORRELATES_WITH": "The parent and the child tend to come true together, or apart.",
    "BENEFITS": "The prediction, if it comes true, raises the ticker's price.",
    "HARMS": "The prediction, if it comes true, lowers the ticker's price.",
}

_CLAIM_VALUES: Final = (
    ("inside_log_odds", "FLOAT", "The inside view after the last row of its ledger, in natural log-odds."),
    ("num_evidence", "INTEGER", "Number of rows in its ledger."),
    ("last_recorded_at", "ZONED DATETIME", "When the last of them was recorded."),
    ("final_log_odds", "FLOAT", "Once closed, the inside view at the moment of the outcome, in natural log-odds."),
    ("final_base_rate", "FLOAT", "Once closed, the base rate of its reference class at that moment."),
    ("final_class_id", "STRING", "Once closed, its reference class at that moment."),
    ("final_trf", "FLOAT", "Once closed, the fraction of its window that remained at that moment."),
    ("final_policy", "STRING", "Once closed, the policy at that moment; `foregraph-1` if absent."),
    ("final_silence", "FLOAT", "Once closed, the log-likelihood ratio of the silence until then, under `foregraph-2`."),
    ("check_in_log_odds", "FLOAT", "Part of `inside_log_odds` that comes from missed check-ins; absent without any."),
    ("policy", "STRING", "The policy that `posterior` follows; `foregraph-1` if absent."),
    ("setting_at", "ZONED DATETIME", "When the graph's policy, or what it has learned of timing, was last recorded."),
    ("timing_share", "FLOAT", "Under `foregraph-2`, the share of true claims that come true before the deadline."),
    ("intercept_effect", "FLOAT", "Its predictor's effect on its prior, in log-odds, as known when it was stated."),
    ("slope_effect", "FLOAT", "Its predictor's effect on the slope of that prior, as known when it was stated."),
    ("posterior", "FLOAT", "The belief in it as last stored, 0 to 1; time alone moves it until the next refresh."),
    ("posterior_as_of", "ZONED DATETIME", "The moment that `posterior` holds for."),
    *(
        (f"posterior_{days}_days_ago", "FLOAT", f"The belief in it {days} days before the last scheduled refresh.")
        for days in CHANGE_DAYS
    ),
    ("marginal", "FLOAT", "Its probability after propagation over the network, as last stored."),
    ("marginal_as_of", "ZONED DATETIME", "The moment of the propagation that last moved `marginal`."),
    ("marginal_revision", "INTEGER", "Revision of the graph that this propagation read."),
    ("marginal_run_id", "STRING", "The `id` of this propagation's run."),
)
_STAMPS: Final = (
    ("created_at", "ZONED DATETIME", "When it came into the graph; null where that is not known."),
    ("updated_at", "ZONED DATETIME", "When it was last changed; null if not since an upgrade."),
)
_VERSION_NOTES: Final = (
    ("versioned_at", "ZONED DATETIME", "When the latest of its versions was recorded."),
    ("num_versions", "INTEGER", "Number of its versions."),
)
_DERIVED_VALUES: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "Predictor": (
        ("kappa", "FLOAT", "Weight of the predictor's next evidence, 0.1 to 1."),
        ("kappa_source", "STRING", "The record that `kappa` comes from."),
        ("brier", "FLOAT", "Brier score of the record in use: mean squared error, 0 is best."),
        ("n_resolved", "INTEGER", "Number of resolved predictions in the record in use."),
        (
            "local_record",
            "STRING",
            "Record and drift by the outcomes in this graph, as JSON, and until when they hold; absent without any.",
        ),
        (
            "record_at",
            "ZONED DATETIME",
            "When these were last computed anew; outcomes count once their claims are due.",
        ),
    ),
    "Evidence": (
        ("prior_inside_log_odds", "FLOAT", "The claim's inside view before the row, in natural log-odds."),
        ("inside_log_odds", "FLOAT", "The claim's inside view after the row, in natural log-odds."),
        ("check_in_log_odds", "FLOAT", "Part of that which comes from missed check-ins; absent without any."),
        ("cluster_size", "INTEGER", "Number of rows of its cluster up to this one, which count together as one event."),
        ("cluster_llr_sum", "FLOAT", "Sum of their log-likelihood ratios."),
        ("cluster_adjusted_llr_sum", "FLOAT", "Sum of their log-likelihood ratios, each times its kappa."),
    ),
}
_VERSIONED_LABELS: Final = frozenset(versioned.label for versioned in VERSIONED)
_CYPHER_TYPES: Final[Mapping[Any, str]] = {
    str: "STRING",
    bool: "BOOLEAN",
    int: "INTEGER",
    float: "FLOAT",
    date: "DATE",
    AwareDatetime: "ZONED DATETIME",
}


@cache
def list_node_types() -> tuple[NodeType, ...]:
    """List the labels, that of all claims first."""
    claims = [listed for listed in NODE_LISTS if listed.is_claim]
    claim = NodeType(CLAIM, (), _summary(rows.Claim), (*_own(claims[0], rows.Claim), *_derived(CLAIM)))
    return claim, *(_node_type(listed) for listed in NODE_LISTS if listed.label not in INTERNAL_LABELS)


@cache
def list_relationship_types() -> tuple[RelationshipType, ...]:
    """List the types of relationships, first those without properties."""
    ends: dict[str, list[Ends]] = {}
    for listed in NODE_LISTS:
        for reference in references_of(listed):
            if reference.relationship is not None:
                ends.setdefault(reference.relationship, []).append(_ends(listed, reference))
    plain = [RelationshipType(name, _merged(joined), _MEANINGS[name], ()) for name, joined in ends.items()]
    return (*plain, *(kind for listed in EDGE_LISTS for kind in _edge_types(listed)))


def is_internal(name: str) -> bool:
    """Whether a property serves lists and search alone, and may change with any version."""
    return name.startswith("search_") or (name.endswith("_key") and name != "idempotency_key")


def draw_mermaid() -> str:
    """Draw labels and relationship types as a Mermaid diagram."""
    lines = [f"  {kind.label} -. is a .-> {other}" for kind in list_node_types() for other in kind.other_labels]
    lines += [f"  {ends.start} -->|{kind.type}| {ends.end}" for kind in list_relationship_types() for ends in kind.ends]
    return "\n".join(["flowchart LR", *lines])


def describe() -> str:
    """Describe labels, relationship types and their properties in lines of text."""
    lines: list[str] = []
    for kind in list_node_types():
        also = "".join(f" (also {label})" for label in kind.other_labels)
        lines += ["", f"(:{kind.label}){also}  {kind.description}", *_lines(kind.properties)]
    for relationship in list_relationship_types():
        ends = ", ".join(f"({ends.start})-[:{relationship.type}]->({ends.end})" for ends in relationship.ends)
        lines += ["", f"{ends}  {relationship.description}", *_lines(relationship.properties)]
    return "\n".join(lines).strip()


def _lines(properties: tuple[Property, ...]) -> list[str]:
    return [
        f"  {found.name:26} {found.type + (' (JSON)' if found.is_json else ''):15} {found.description}"
        for found in properties
    ]


def _node_type(listed: NodeList) -> NodeType:
    others = (CLAIM,) if listed.is_claim else ()
    properties = (*_own(listed, listed.row), *_derived(CLAIM if listed.is_claim else listed.label))
    return NodeType(listed.label, others, _summary(listed.row), properties)


def _own(listed: NodeList, row: type[Row]) -> Iterator[Property]:
    lists = parallel_lists(row)
    for name in row.model_fields:
        if name in lists:
            yield from _lists(row, name)
        else:
            yield _property(row, name, is_key=name in listed.key)


def _lists(row: type[Row], name: str) -> Iterator[Property]:
    (item, _) = get_args(row.model_fields[name].annotation)
    for found in parallel_lists(row)[name]:
        kind, absent = ("LIST<FLOAT NOT NULL>", "Infinity") if found.is_number else ("LIST<STRING NOT NULL>", "''")
        meaning = item.model_fields[found.field].description or ""
        description = (
            f"For each of its {name}, in order: {meaning[:1].lower()}{meaning[1:].rstrip('.')}; {absent} if absent."
        )
        yield Property(found.property, kind, description, Origin.GIVEN)


def _derived(label: str) -> Iterator[Property]:
    values = _CLAIM_VALUES if label == CLAIM else _DERIVED_VALUES.get(label, ())
    stamps = _STAMPS if label in {CLAIM, *SUBJECTS} else ()
    notes = _VERSION_NOTES if label in _VERSIONED_LABELS else ()
    for name, kind, description in (*values, *notes, *stamps):
        yield Property(name, kind, description, Origin.DERIVED)


def _edge_types(listed: EdgeList) -> Iterator[RelationshipType]:
    properties = tuple(_property(listed.row, name) for name in listed.row.model_fields)
    ends = (Ends(listed.start.target, listed.end.target),)
    for kind in listed.types:
        yield RelationshipType(str(kind), ends, _MEANINGS[str(kind)], properties)


def _property(row: type[Row], name: str, *, is_key: bool = False) -> Property:
    is_json = name in json_properties(row)
    kind = "STRING" if is_json else _cypher_type(get_type_hints(row, include_extras=True)[name])
    description = row.model_fields[name].description or ""
    return Property(name, kind, description, Origin.GIVEN, is_key, is_json)


def _cypher_type(hint: Any) -> str:
    """
    Return the Cypher type of an annotation.

    Raises:
        TypeError: Neo4j has no type for it.
    """
    if hint in _CYPHER_TYPES:
        return _CYPHER_TYPES[hint]
    if get_origin(hint) is Annotated:
        return _cypher_type(get_args(hint)[0])
    if get_origin(hint) in {Union, UnionType}:
        kinds = {_cypher_type(part) for part in get_args(hint) if part is not type(None)}
        if len(kinds) == 1:
            return kinds.pop()
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "STRING"
    message = f"no Cypher type is known for {hint}"
    raise TypeError(message)


def _ends(listed: NodeList, reference: Reference) -> Ends:
    near, far = listed.label, reference.target
    return Ends(near, far) if reference.is_outgoing else Ends(far, near)


def _merged(ends: list[Ends]) -> tuple[Ends, ...]:
    """Replace the three kinds of claims by `Claim` where a type joins all of them to one label."""
    labels = [listed.label for listed in NODE_LISTS if listed.is_claim]
    found = dict.fromkeys(ends)
    for end in dict.fromkeys(joined.end for joined in ends):
        if all(Ends(label, end) in found for label in labels):
            found = {joined: None for joined in found if not (joined.end == end and joined.start in labels)}
            found[Ends(CLAIM, end)] = None
    return tuple(found)


def _summary(row: type[Row]) -> str:
    return " ".join((getdoc(row) or "").partition("\n\n")[0].split())
