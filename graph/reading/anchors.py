"""
The nodes at which a document's reading begins: one node, or a page of a list.

Each anchor is read in one of two ways with the same answer: level by level, by fixed statements, or by one statement
that is composed for the tree of relations below it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from graph.database.sessions import ComposedUnit
from graph.model.page_keys import LAST
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, NODE_LISTS
from graph.reading.composing import Composed, Composer
from graph.reading.nodes import get_nodes
from graph.reading.tree import Node, NodePlan

_KEYS: Final = {CLAIM: "id"} | {listed.label: listed.key[0] for listed in NODE_LISTS}
_SPACES: Final = {CLAIM: CLAIM} | {listed.label: listed.space for listed in NODE_LISTS}


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
    async def read(self, unit: ComposedUnit, plan: NodePlan, *, wants_total: bool) -> Node | None:
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
        subject: Its subject, or `Claim` for a claim of any kind.
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
        """The subject's code in the row; None where rows have none, or any serves."""
        return CLAIM_SUBJECTS.index(self.subject) if self.subject in CLAIM_SUBJECTS else None

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

    async def read(self, unit: ComposedUnit, plan: NodePlan, *, wants_total: bool) -> Node | None:
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
