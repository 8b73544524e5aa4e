"""
Composes one statement from the tree of relations that a selection asks for.

The text depends on the tree alone: on relations, types, subjects, and on what is counted, sorted and bounded. Names of
properties, limits, cursors and moments are values of its one parameter, so clients choose none of its words, and
selections of other fields have the same text. All identifiers come from the closed tables of `graph.model`. One run
reads from as many anchors as it is given, so that requests that come at the same time can share it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from graph.model.page_keys import AFTER_MARK, MARK, moment_text
from graph.model.relations import RELATIONS, Relation
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, TEMPORAL
from graph.reading.layouts import FollowLayout, NodeLayout
from graph.reading.tree import Follow, NodePlan, page_key

MAX_OPERATORS: Final = 150
"""The most operators of a composed statement, by our own count: planning takes the database 5 to 6 ms for each."""

MAX_PAGE_ROWS: Final = 2_000
"""The most rows of a page in a statement, since a record is read as a whole; a longer one is read level by level."""

MAX_WALK_STEPS: Final = 2
MAX_WALK_ROWS: Final = 1_000
"""The most rows of a walk in a statement; a walk's steps are nested, so their sizes multiply."""


class NotComposableError(Exception):
    """The plan has no one statement; it is read level by level."""


@dataclass(frozen=True, slots=True)
class _Way:
    """The relation by which a node was reached, and the variable of the node that it was followed from."""

    relation: Relation
    start: str

    def leads_back(self, relation: Relation) -> bool:
        """Whether a relation to one leads to that node again, which need not be looked for then."""
        is_inverse = relation.types == self.relation.types and relation.is_outgoing != self.relation.is_outgoing
        return is_inverse and not relation.is_many


@dataclass(frozen=True, slots=True)
class _Start:
    """
    A node that relations are followed from.

    Attributes:
        variable: Its variable.
        id_name: The property that identifies it.
        way: How it was reached; None for a node that the statement begins with.
    """

    variable: str
    id_name: str = "id"
    way: _Way | None = None

    @property
    def id(self) -> str:
        """The expression of its id."""
        return f"{self.variable}.{self.id_name}"


@dataclass(frozen=True, slots=True)
class Composed:
    """
    A statement that reads from each of several anchors, and returns the anchors' places with what was found.

    Attributes:
        text: The statement.
        parameters: The values of its parameter `$p`, without those of the anchors.
        layout: The places of the parts of each of its nodes.
        num_operators: Our count of its plan's operators.
        max_rows: The most rows for each node that it begins with.
    """

    text: str
    parameters: Mapping[str, Any]
    layout: NodeLayout
    num_operators: int
    max_rows: int = 1

    def parameters_for(self, anchors: Sequence[Mapping[str, Any]], num_nodes: int) -> dict[str, Any]:
        """
        Return the values of the parameter for anchors that read the same number of nodes.

        Args:
            anchors: The values of each.
            num_nodes: The most nodes that each reads.
        """
        each = [{**anchor, "at": place} for place, anchor in enumerate(anchors)]
        return {**self.parameters, "each": each, "limit": num_nodes}


class Composer:
    """Composes the expressions of one statement, and collects the values of its parameters."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}
        self.num_operators = 0
        self._max_rows = self._times = 1
        self._num_variables = 0

    def node(
        self, variable: str, label: str, plans: Sequence[NodePlan], row: list[str], way: _Way | None = None
    ) -> list[NodeLayout]:
        """
        Add a node's parts to a row.

        Args:
            variable: The node's variable.
            label: The label by which it was found.
            plans: The plans that share the row.
            row: The expressions of the row so far.
            way: How it was reached; None for a node that the statement begins with.

        Returns:
            The layout of each plan.
        """
        subjects = CLAIM_SUBJECTS if label == CLAIM else (label,)
        id_name = "symbol" if label == "Ticker" else "id"
        asked = dict.fromkeys(name for plan in plans for name in plan.properties if name not in {"id", "symbol"})
        names = [id_name, *(name for name in asked if name not in TEMPORAL)]
        moments = [name for name in asked if name in TEMPORAL]
        subject_at = None
        if len(subjects) > 1:
            subject_at = _add(row, _subject_code(variable, subjects))
        properties_at = _add(row, f"[k IN {self._parameter('n', names)} | {variable}[k]]")
        moments_at = None
        if moments:
            moments_at = _add(row, f"[k IN {self._parameter('t', moments)} | toString({variable}[k])]")
        layouts = [
            NodeLayout(
                subjects=subjects,
                subject_at=subject_at,
                properties_at=properties_at,
                moments_at=moments_at,
                properties={name: place for place, name in enumerate(names)},
                moments={name: place for place, name in enumerate(moments)},
            )
            for _ in plans
        ]
        self._follow_all(_Start(variable, id_name, way), plans, layouts, row)
        return layouts

    def value(self, value: Any) -> str:
        """Add a value to the parameter; returns its expression."""
        return self._parameter("v", value)

    def finish(self, clauses: str, layout: NodeLayout) -> Composed:
        """
        Return the statement.

        Args:
            clauses: Clauses that read from the anchor `own`, to its place `at` and the value `data`.
            layout: The places of the parts of the node that it begins with.

        Raises:
            NotComposableError: It has more operators than are worth planning.
        """
        if self.num_operators > MAX_OPERATORS:
            raise NotComposableError
        text = f"UNWIND $p.each AS own {clauses} RETURN collect([at, data]) AS data"
        return Composed(text, self.parameters, layout, self.num_operators, self._max_rows)

    def _follow_all(
        self, start: _Start, plans: Sequence[NodePlan], layouts: Sequence[NodeLayout], row: list[str]
    ) -> None:
        """Add to a row what is followed from its node; relations with the same rows are followed once."""
        groups: dict[tuple[str, ...], list[tuple[NodeLayout, Follow]]] = {}
        for plan, layout in zip(plans, layouts, strict=True):
            for follow in plan.follows:
                if follow.subjects & set(layout.subjects):
                    groups.setdefault(_rows_of(follow), []).append((layout, follow))
        for rows in sorted(groups):
            members = groups[rows]
            follows = [follow for _, follow in members]
            expression, places = self._follow(start, follows)
            rows_at = _add(row, expression)
            total_at = None
            if any(follow.wants_total for follow in follows):
                total_at = _add(row, self._count(start, follows[0]))
            for (layout, follow), place in zip(members, places, strict=True):
                found = replace(place, rows_at=rows_at, total_at=total_at if follow.wants_total else None)
                layout.follows.update({(subject, follow.key): found for subject in follow.subjects})

    def _link(self, edge: str, names: list[str], moments: list[str]) -> str:
        """Compose the list of a relationship's properties, then that of its moments and days as text."""
        values = f"[k IN {self._parameter('e', names)} | {edge}[k]]"
        return f"{values} + [k IN {self._parameter('s', moments)} | toString({edge}[k])]" if moments else values

    def _follow(self, start: _Start, follows: Sequence[Follow]) -> tuple[str, list[FollowLayout]]:
        """Compose the rows of relations that share them: an expression, and the layout for each."""
        relation = follows[0].relation
        if not relation.is_many:
            return self._follow_to_one(start, follows)
        found, edge = self._variable("n"), self._variable("r")
        before, self._times = self._times, self._times * _page_rows(follows)
        self._max_rows += self._times
        head, key = self._page(start.id, found, edge, follows)
        row: list[str] = []
        key_at = _add(row, key) if any(follow.wants_cursor for follow in follows) else None
        link = list(dict.fromkeys(name for follow in follows for name in follow.link))
        names, moments = [k for k in link if k not in TEMPORAL], [k for k in link if k in TEMPORAL]
        link_at = _add(row, self._link(edge, names, moments)) if link else None
        plans = [follow.node for follow in follows]
        layouts = self.node(found, relation.end, plans, row, _Way(relation, start.variable))
        below_at = _add(row, self._next_step(found, follows)) if follows[0].num_steps > 1 else None
        self._times = before
        link_places = {name: place for place, name in enumerate((*names, *moments))}
        places = [
            FollowLayout(follow, 0, None, key_at, link_at, link_places, frozenset(moments), below_at, layout)
            for follow, layout in zip(follows, layouts, strict=True)
        ]
        return f"COLLECT {{ {head} RETURN [{', '.join(row)}] }}", places

    def _follow_to_one(self, start: _Start, follows: Sequence[Follow]) -> tuple[str, list[FollowLayout]]:
        relation, way = follows[0].relation, start.way
        is_back = way is not None and way.leads_back(relation)
        found = way.start if way is not None and is_back else self._variable("n")
        self.num_operators += 1  # expanded within an expression, without operators of its own
        row: list[str] = []
        plans = [follow.node for follow in follows]
        layouts = self.node(found, relation.end, plans, row, None if is_back else _Way(relation, start.variable))
        places = [
            FollowLayout(follow, 0, None, None, None, {}, frozenset(), None, layout)
            for follow, layout in zip(follows, layouts, strict=True)
        ]
        parts = f"[{', '.join(row)}]"
        if is_back:
            return parts, places
        pattern = f"({start.variable}){_arrow(relation, relation.types)}({found}:{relation.end})"
        return f"head(COLLECT {{ MATCH {pattern} RETURN {parts} LIMIT 1 }})", places

    def _next_step(self, variable: str, follows: Sequence[Follow]) -> str:
        """Compose the rows of a walk's next step from a claim that it has reached."""
        first = max(follow.first for follow in follows)
        if follows[0].num_steps > MAX_WALK_STEPS or first * first > MAX_WALK_ROWS:
            raise NotComposableError
        onward = [replace(follow, num_steps=follow.num_steps - 1) for follow in follows]
        return self._follow(_Start(variable), onward)[0]

    def _page(self, source: str, found: str, edge: str, follows: Sequence[Follow]) -> tuple[str, str]:
        """Compose the clauses that find a page's rows in order, and the expression of a row's page key."""
        follow = follows[0]
        relation = follow.relation
        limit = self._parameter("l", _page_rows(follows))
        low, high = self._bounds(source, follow)
        order = " DESC" if relation.is_descending else ""
        if not relation.is_link_keyed:
            key = f"{found}.{relation.page_key}"
            where = _between(key, low, high) + _hiding(found, follow.arguments)
            seek = f"MATCH ({found}:{relation.end}) USING INDEX SEEK {found}:{relation.end}({relation.page_key})"
            self.num_operators += 5
            return f"{seek} WHERE {where} WITH {found} ORDER BY {key}{order} LIMIT {limit}", key
        key = f"{edge}.{relation.page_key}"
        cut = f"ORDER BY {key}{order} LIMIT {limit}"
        ways = [
            f"MATCH {_ends(relation, kind, found, edge)} USING INDEX SEEK {edge}:{kind}({relation.page_key})"
            f" WHERE {_between(key, low, high)}"
            for kind in types_of(follow)
        ]
        self.num_operators += 5 + 4 * len(ways)
        if len(ways) == 1:
            return f"{ways[0]} WITH {found}, {edge} {cut}", key
        anchor = source.partition(".")[0]
        union = " UNION ALL ".join(f"{way} RETURN {found}, {edge} {cut}" for way in ways)
        return f"CALL ({anchor}) {{ {union} }} WITH {found}, {edge} {cut}", key

    def _bounds(self, source: str, follow: Follow) -> tuple[str, str]:
        """Compose the page keys between which a follow's rows lie, both excluded."""
        lows: list[str] = []
        highs: list[str] = []
        if follow.after is not None:
            key = self._parameter("c", page_key(follow.relation.name, follow.after))
            (highs if follow.relation.is_descending else lows).append(key)
        since, until = follow.arguments.get("since"), follow.arguments.get("until")
        if since is not None:
            lows.append(f"{source} + {self._parameter('m', MARK + moment_text(since) + AFTER_MARK)}")
        if until is not None:
            highs.append(f"{source} + {self._parameter('m', MARK + moment_text(until) + AFTER_MARK)}")
        low = _extreme(lows, ">") or f"{source} + '{MARK}'"
        high = _extreme(highs, "<") or f"{source} + '{AFTER_MARK}'"
        return low, high

    def _count(self, start: _Start, follow: Follow) -> str:
        """Compose the number of rows on all pages."""
        relation, variable = follow.relation, start.variable
        self.num_operators += 2
        if relation.is_link_keyed:
            return " + ".join(f"COUNT {{ ({variable}){_arrow(relation, (kind,))}() }}" for kind in types_of(follow))
        found = self._variable("n")
        if {"since", "until"} & follow.arguments.keys():
            low, high = self._bounds(start.id, replace(follow, after=None))
            key = f"{found}.{relation.page_key}"
            seek = f"MATCH ({found}:{relation.end}) USING INDEX SEEK {found}:{relation.end}({relation.page_key})"
            return f"COUNT {{ {seek} WHERE {_between(key, low, high)} }}"
        hiding = _hiding(found, follow.arguments)
        if hiding:
            where = hiding.removeprefix(" AND ")
            return f"COUNT {{ ({variable}){_arrow(relation, relation.types)}({found}) WHERE {where} }}"
        # Without a label the count is that of the node's relationships, which the store keeps.
        end = f":{relation.end}" if _leads_elsewhere(relation) else ""
        return f"COUNT {{ ({variable}){_arrow(relation, relation.types)}({end}) }}"

    def _parameter(self, kind: str, value: Any) -> str:
        """Add a value; returns its expression. All are in one map, as a plan is kept by the types of parameters."""
        name = f"{kind}{len(self.parameters)}"
        self.parameters[name] = value
        return f"$p.{name}"

    def _variable(self, letter: str) -> str:
        self._num_variables += 1
        return f"{letter}{self._num_variables}"


def types_of(follow: Follow) -> tuple[str, ...]:
    """Return the types of relationships that are followed, in the order of the relation's declaration."""
    relation = follow.relation
    if relation.types_argument is None:
        return relation.types
    chosen = follow.arguments[relation.types_argument]
    return tuple(kind for kind in relation.types if kind in chosen)


def _page_rows(follows: Sequence[Follow]) -> int:
    """Return how many rows to read for relations that share them: one more tells whether there is a next page."""
    return min(max(follow.first for follow in follows), MAX_PAGE_ROWS) + 1


def _rows_of(follow: Follow) -> tuple[str, ...]:
    """Return what tells a relation's rows from others'; equal for those that are read once."""
    given = {name: sorted(value) if isinstance(value, list) else value for name, value in follow.arguments.items()}
    return follow.relation.name, repr(sorted(given.items())), follow.after or "", str(follow.num_steps)


def _add(row: list[str], expression: str) -> int:
    """Add a part to a row; returns its place."""
    row.append(expression)
    return len(row) - 1


def _subject_code(variable: str, subjects: Sequence[str]) -> str:
    whens = " ".join(f"WHEN {variable}:{subject} THEN {code}" for code, subject in enumerate(subjects[:-1]))
    return f"CASE {whens} ELSE {len(subjects) - 1} END"


def _arrow(relation: Relation, types: Sequence[str]) -> str:
    left, right = ("-", "->") if relation.is_outgoing else ("<-", "-")
    return f"{left}[:{'|'.join(types)}]{right}"


def _ends(relation: Relation, kind: str, found: str, edge: str) -> str:
    end = f"({found}:{relation.end})"
    return f"()-[{edge}:{kind}]->{end}" if relation.is_outgoing else f"{end}-[{edge}:{kind}]->()"


def _between(key: str, low: str, high: str) -> str:
    return f"{key} > {low} AND {key} < {high}"


def _hiding(found: str, arguments: Mapping[str, Any]) -> str:
    return f" AND {found}.kind <> 'EVENT'" if arguments.get("hides_event") else ""


def _extreme(terms: Sequence[str], comparison: str) -> str | None:
    """Compose the largest (`>`) or the smallest (`<`) of some terms; None of none."""
    found: str | None = None
    for term in terms:
        found = term if found is None else f"CASE WHEN {found} {comparison} {term} THEN {found} ELSE {term} END"
    return found


def _leads_elsewhere(relation: Relation) -> bool:
    """Whether relationships of the relation's type also lead to nodes of other labels."""
    return any(
        back.types == relation.types and back.is_outgoing != relation.is_outgoing and back.starts != (relation.end,)
        for back in RELATIONS
    )
