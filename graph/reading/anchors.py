"""
The nodes at which a document's reading begins: one node, or a page of a list.

Each anchor is read in one of two ways with the same answer: level by level, by fixed statements, or by one statement
that is composed for the tree of relations below it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from graph.database.sessions import Unit
from graph.model.page_keys import AFTER_MARK, LAST, bounds
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, NODE_LISTS
from graph.reading.composing import Composed, Composer, NotComposableError
from graph.reading.nodes import get_nodes, list_nodes
from graph.reading.predictions import PredictionFilter, PredictionPage, anchor_of, list_bounds, list_predictions
from graph.reading.tree import Node, NodePlan, page_key

_KEYS: Final = {listed.label: listed.key[0] for listed in NODE_LISTS}
_SPACES: Final = {listed.label: listed.space for listed in NODE_LISTS}

_CONDITIONS: Final = {
    "statuses": "n.status IN own.statuses",
    "domain_id": "n.domain_id = own.domain_id",
    "predictor_id": "n.predictor_id = own.predictor_id",
    "reference_class_id": "n.reference_class_id = own.reference_class_id",
    "deadline_from": "n.deadline >= own.deadline_from",
    "deadline_to": "n.deadline <= own.deadline_to",
    "probability_from": "n.posterior >= own.probability_from",
    "probability_to": "n.posterior <= own.probability_to",
}
_IMPLIED: Final = {
    "none": None,
    "status": "statuses",
    "domain": "domain_id",
    "predictor": "predictor_id",
    "class": "reference_class_id",
}
"""The condition that all predictions between an anchor's bounds satisfy, by the anchor's name."""


class Page(NamedTuple):
    """
    A page of rows in the order shown.

    Attributes:
        rows: The rows.
        has_next_page: Whether there are items after them.
        has_previous_page: Whether there are items before them.
    """

    rows: Sequence[Any]
    has_next_page: bool
    has_previous_page: bool


class Anchor(ABC):
    """The nodes at which reading begins."""

    @property
    @abstractmethod
    def shape(self) -> tuple[Any, ...]:
        """The part of the anchor that enters a composed text; anchors of one shape have one text."""

    @property
    def num_nodes(self) -> int:
        """The most nodes that it reads; anchors that one run of a statement reads have the same number."""
        return 1

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """
        Return the anchor's own values in a composed statement's parameter.

        Raises:
            InvalidError: A cursor is of another list.
        """

    @abstractmethod
    def nowhere(self) -> dict[str, Any]:
        """Return values with which the composed statement finds nothing, so that it is planned at no other cost."""

    @abstractmethod
    def compose(self, plan: NodePlan, *, wants_total: bool) -> Composed:
        """
        Compose the one statement that reads the anchor's nodes and all that the plan follows from them.

        Raises:
            InvalidError: A cursor is of another list.
            NotComposableError: It is too large, or no one statement can answer it.
        """

    @abstractmethod
    async def read(self, unit: Unit, plan: NodePlan, *, wants_total: bool) -> Node | None:
        """
        Read level by level: a node, or the connection of a list.

        Raises:
            InvalidError: A cursor is of another list.
        """


@dataclass(frozen=True, slots=True)
class OneNode(Anchor):
    """
    A node by its id. What is read is the node's row; without such a node nothing is.

    Attributes:
        subject: Its subject.
        id: Its id.
    """

    subject: str
    id: str

    @property
    def shape(self) -> tuple[Any, ...]:
        """The subject."""
        return (self.subject,)

    @property
    def code(self) -> int | None:
        """The subject's code in the row; None where rows have none."""
        return CLAIM_SUBJECTS.index(self.subject) if _SPACES[self.subject] == CLAIM else None

    def parameters(self) -> dict[str, Any]:
        """Return the id."""
        return {"id": self.id}

    def nowhere(self) -> dict[str, Any]:
        """Return an id that no node has."""
        return {"id": LAST}

    def compose(self, plan: NodePlan, *, wants_total: bool) -> Composed:
        """Compose the statement."""
        composer, row = Composer(), list[str]()
        label, key = _SPACES[self.subject], _KEYS[self.subject]
        (layout,) = composer.node("n", label, [plan], row)
        seek = f"MATCH (n:{label} {{{key}: own.id}}) USING INDEX SEEK n:{label}({key})"
        return composer.finish(f"{seek} WITH own.at AS at, [{', '.join(row)}] AS data", layout)

    async def read(self, unit: Unit, plan: NodePlan, *, wants_total: bool) -> Node | None:
        """Read level by level."""
        return (await get_nodes(unit, [(self.subject, self.id)], plan))[0]


class ListAnchor(Anchor):
    """
    A page of a list of one subject.

    What is read is a list: the rows, each its page key first, and the total if it is counted.
    """

    @property
    @abstractmethod
    def order(self) -> str:
        """The name of the list's order, with which its cursors begin."""

    @property
    def num_prefix_characters(self) -> int:
        """Number of characters at the start of a page key that cursors leave out."""
        return 0

    @abstractmethod
    def page_of(self, rows: Sequence[Any]) -> Page:
        """Return the page, of the rows that the statement has read."""


@dataclass(frozen=True, slots=True)
class AllNodes(ListAnchor):
    """
    A page of all nodes of one subject, in order of id.

    Attributes:
        subject: The subject.
        size: The most rows.
        after: Return items after this cursor.
    """

    subject: str
    size: int
    after: str | None = None

    @property
    def shape(self) -> tuple[Any, ...]:
        """The subject."""
        return (self.subject,)

    @property
    def num_nodes(self) -> int:
        """The size of a page, and a node that tells whether there is a next."""
        return self.size + 1

    @property
    def order(self) -> str:
        """The name of the order."""
        return f"all {self.subject}"

    def parameters(self) -> dict[str, Any]:
        """Return the position of the page."""
        return {"low": "" if self.after is None else page_key(self.order, self.after)}

    def nowhere(self) -> dict[str, Any]:
        """Return a position after all ids."""
        return {"low": LAST}

    def compose(self, plan: NodePlan, *, wants_total: bool) -> Composed:
        """Compose the statement."""
        key = f"n.{_KEYS[self.subject]}"
        composer, row = Composer(), [key]
        (layout,) = composer.node("n", self.subject, [plan], row)
        seek = f"MATCH (n:{self.subject}) WHERE {key} > own.low WITH n ORDER BY {key} LIMIT $p.limit"
        total = f", COUNT {{ (:{self.subject}) }}" if wants_total else ""
        return composer.finish(_listing(f"{seek} RETURN [{', '.join(row)}]", total), layout)

    async def read(self, unit: Unit, plan: NodePlan, *, wants_total: bool) -> Node | None:
        """Read level by level."""
        return await list_nodes(
            unit, self.subject, first=self.size, after=self.after, plan=plan, wants_total=wants_total
        )

    def page_of(self, rows: Sequence[Any]) -> Page:
        """Return the page."""
        return Page(rows[: self.size], len(rows) > self.size, self.after is not None)


@dataclass(frozen=True, slots=True)
class PredictionList(ListAnchor):
    """
    A page of the predictions that satisfy a filter.

    Attributes:
        filter: The conditions.
        page: The page.
    """

    filter: PredictionFilter
    page: PredictionPage

    @property
    def shape(self) -> tuple[Any, ...]:
        """The index that is read, its direction, and the conditions that are set."""
        return anchor_of(self.filter)[0], str(self.page.order), self._reads_down, *self._conditions()

    @property
    def num_nodes(self) -> int:
        """The size of a page, and a node that tells whether there is a next."""
        return self.page.size + 1

    @property
    def order(self) -> str:
        """The name of the order."""
        return str(self.page.order)

    @property
    def num_prefix_characters(self) -> int:
        """An anchored key begins with the anchor's id, which the filter has."""
        anchor_id = anchor_of(self.filter)[1]
        return 0 if anchor_id is None else len(anchor_id) + 1

    def parameters(self) -> dict[str, Any]:
        """Return the conditions' values, and the page keys between which the page and the whole list lie."""
        anchor_id = anchor_of(self.filter)[1]
        low, high = list_bounds(self.filter, self.page, anchor_id)
        first, last = bounds(anchor_id)
        given = {name: value for name, value in self.filter.parameters().items() if value is not None}
        return {**given, "low": low, "high": high, "first": first, "last": last}

    def nowhere(self) -> dict[str, Any]:
        """Return bounds after all page keys."""
        after_all = dict.fromkeys(("low", "high", "first", "last"), LAST + AFTER_MARK)
        return {**self.parameters(), **after_all}

    def compose(self, plan: NodePlan, *, wants_total: bool) -> Composed:
        """Compose the statement; a text filter has none."""
        if self.filter.text is not None:
            raise NotComposableError
        anchor = anchor_of(self.filter)[0]
        name = f"{self.page.order}_key" if anchor == "none" else f"{anchor}_{self.page.order}_key"
        key = f"n.{name}"
        composer, row = Composer(), [key]
        (layout,) = composer.node("n", "Prediction", [plan], row)
        conditions = "".join(f" AND {_CONDITIONS[condition]}" for condition in self._conditions())
        seek = f"MATCH (n:Prediction) USING INDEX SEEK n:Prediction({name}) WHERE {key} > "
        page = f"{seek}own.low AND {key} < own.high{conditions}"
        order = f"WITH n ORDER BY {key}{' DESC' if self._reads_down else ''} LIMIT $p.limit"
        total = f", COUNT {{ {seek}own.first AND {key} < own.last{conditions} }}" if wants_total else ""
        return composer.finish(_listing(f"{page} {order} RETURN [{', '.join(row)}]", total), layout)

    async def read(self, unit: Unit, plan: NodePlan, *, wants_total: bool) -> Node | None:
        """Read level by level."""
        return await list_predictions(unit, self.filter, self.page, plan, wants_total=wants_total)

    def page_of(self, rows: Sequence[Any]) -> Page:
        """Return the page; the last items are read in the opposite order."""
        size, has_more = self.page.size, len(rows) > self.page.size
        if self.page.is_from_end:
            return Page(rows[:size][::-1], self.page.before is not None, has_more)
        return Page(rows[:size], has_more or self.page.before is not None, bool(self.page.after))

    @property
    def _reads_down(self) -> bool:
        return self.page.is_descending != self.page.is_from_end

    def _conditions(self) -> tuple[str, ...]:
        """The names of the conditions that are set and that the index does not imply."""
        implied = _IMPLIED[anchor_of(self.filter)[0]]
        values: Mapping[str, Any] = self.filter.parameters()
        return tuple(name for name in _CONDITIONS if values[name] is not None and name != implied)


def _listing(page: str, total: str) -> str:
    """Compose the clause that reads a page and what is counted beside it."""
    return f"WITH own.at AS at, [COLLECT {{ {page} }}{total}] AS data"
