"""
Reads pages of the links that a relation follows, filtered and sorted by the nodes that they lead to, from either end.

A page in the relation's own order walks the index of the links' page key. In another order the node's links are
collected and sorted, if they are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from graph.database.sessions import ComposedUnit
from graph.errors import InvalidError
from graph.model.lists import Listed, SortKey
from graph.model.page_keys import AFTER_MARK, LAST, MARK, bounds
from graph.model.relations import Relation
from graph.reading.composing import Composed, Composer
from graph.reading.lists import MOST_COLLECTED, NEEDLES, ListFilter, check_named, node_of, page_of
from graph.reading.tree import Follow, Node, connection, cursor_text, fill, page_key

_AFTER_ALL: Final = LAST + AFTER_MARK
_SOURCES: Final = {"Ticker": "(a:Ticker {symbol: own.source})", "Predictor": "(a:Predictor {id: own.source})"}


@dataclass(frozen=True, slots=True)
class LinkPage:
    """
    A page of the links of a node.

    Attributes:
        relation: The relation that they are followed by.
        types: The types of relationships, some of the relation's.
        source: The id of the node.
        listed: The list that the nodes at their other ends are of.
        filter: The conditions on these.
        sort: The order of these; None for the relation's own.
        size: The most items.
        is_descending: Whether the highest come first, in an order of the list.
        after: Return items after this cursor.
        before: Return items before this cursor.
        is_from_end: Whether to return the last items between the cursors, not the first ones.
    """

    relation: Relation
    types: tuple[str, ...]
    source: str
    listed: Listed
    filter: ListFilter
    sort: SortKey | None
    size: int
    is_descending: bool = False
    after: str | None = None
    before: str | None = None
    is_from_end: bool = False

    @property
    def shape(self) -> tuple[Any, ...]:
        """Parts of a page that enter the statement's text."""
        names, has_text = sorted(self.filter.values), self.filter.text is not None
        sort = None if self.sort is None else self.sort.name
        return self.relation.name, self.types, sort, self._reads_down, has_text, *names

    @property
    def order(self) -> str:
        """The name of the order, with which its cursors begin."""
        return self.relation.name if self.sort is None else f"{self.relation.name} by {self.sort.name}"

    @property
    def num_nodes(self) -> int:
        """The size of a page, and a link that tells whether there is a next."""
        return self.size + 1

    def parameters(self) -> dict[str, Any]:
        """
        Return the page's own values in the statement's parameter.

        Raises:
            InvalidError: A cursor is of another list.
        """
        low, high = bounds(self.source) if self.sort is None else ("", _AFTER_ALL)
        lows, highs = [low], [high]
        if self.after is not None:
            (highs if self._is_descending else lows).append(self._key_in(self.after, "after", low, high))
        if self.before is not None:
            (lows if self._is_descending else highs).append(self._key_in(self.before, "before", low, high))
        given = {"source": self.source, "low": max(lows), "high": min(highs), "first": low, "last": high}
        return {**self.filter.parameters(), **given}

    def compose(self, follow: Follow, *, wants_total: bool) -> Composed:
        """
        Compose the statement that reads the rows of pages of this shape.

        Args:
            follow: What to read of each link and of the node that it leads to; relations of the nodes are left out.
            wants_total: Whether to count the links on all pages.
        """
        composer, row = Composer(), [self._key]
        names = list(follow.link)
        row.append(f"[k IN {composer.value(names)} | r[k]]")
        (layout,) = composer.node("n", self.relation.end, [replace(follow.node, follows=())], row)
        cut = f"ORDER BY {self._key}{' DESC' if self._reads_down else ''} LIMIT $p.limit"
        found = f"CALL (own) {{ {self._ways(('own.low', 'own.high'), cut)} }} WITH n, r {cut}"
        rows = f"COLLECT {{ {found} RETURN [{', '.join(row)}] }}"
        if self.sort is not None:
            rows = f"CASE WHEN {self._degree()} > {MOST_COLLECTED} THEN [null] ELSE {rows} END"
        counted = f"COUNT {{ CALL (own) {{ {self._ways(('own.first', 'own.last'), None)} }} RETURN n }}"
        total = f", {counted}" if wants_total else ""
        return composer.finish(f"WITH own.at AS at, [{rows}{total}] AS data", layout)

    def connection(self, data: Sequence[Any], own: Composed, follow: Follow, wrap: str) -> Node:
        """
        Return the page as the response holds it, of its rows and perhaps the total.

        Raises:
            InvalidError: The node has too many links for their order.
        """
        rows, *total = data
        if rows and rows[-1] is None:
            message = (
                f"expected the {self.relation.name} of one with at most {MOST_COLLECTED:,} of them to be sorted by "
                "what they lead to, got one with more; leave the order out, or ask for the list of these itself"
            )
            raise InvalidError(message, path="sort")
        page = page_of(rows, self.size, is_from_end=self.is_from_end, after=self.after, before=self.before)
        entries = []
        for row in page.rows:
            link = dict(zip(follow.link, row[1], strict=True))
            entries.append((cursor_text(self.order, row[0]), {**link, wrap: node_of(row, own.layout, follow.node)}))
        result = connection(entries, self.size, has_previous=page.has_previous_page)
        result["page_info"]["has_next_page"] = page.has_next_page
        result["total_count"] = total[0] if total else None
        return result

    @property
    def _is_descending(self) -> bool:
        return self.relation.is_descending if self.sort is None else self.is_descending

    @property
    def _reads_down(self) -> bool:
        return self._is_descending != self.is_from_end

    @property
    def _key(self) -> str:
        """The expression of a link's page key; one node may be led to by several links."""
        if self.sort is None:
            return f"r.{self.relation.page_key}"
        own = "type(r)" if self.relation.own_key is None else f"r.{self.relation.own_key}"
        return f"n.{self.sort.property} + '{MARK}' + {own}"

    def _key_in(self, cursor: str, path: str, low: str, high: str) -> str:
        key = page_key(self.order, cursor, path=path)
        if not low < key < high:
            message = f"expected a cursor from this very connection, got one from that of {key.partition(MARK)[0]!r}"
            raise InvalidError(message, path=path)
        return key

    def _ways(self, bounds_of: tuple[str, str], cut: str | None) -> str:
        """Compose the links between two page keys, by type."""
        return " UNION ALL ".join(f"{self._way(kind, bounds_of)} {self._ended(cut)}" for kind in self.types)

    def _way(self, kind: str, bounds_of: tuple[str, str]) -> str:
        low, high = bounds_of
        where = [f"{self._key} > {low} AND {self._key} < {high}", *self.filter.tests(self.listed)]
        if self.filter.text is not None:
            where.append(NEEDLES)
        if self.sort is None:
            end = f"(n:{self.relation.end})"
            ends = f"()-[r:{kind}]->{end}" if self.relation.is_outgoing else f"{end}-[r:{kind}]->()"
            seek = f"MATCH {ends} USING INDEX SEEK r:{kind}({self.relation.page_key})"
        else:
            seek = f"MATCH {self._source}{self._arrow(kind)}(n:{self.relation.end})"
        return f"{seek} WHERE {' AND '.join(where)}"

    def _ended(self, cut: str | None) -> str:
        return "RETURN n, r" if cut is None else f"WITH n, r {cut} RETURN n, r"

    def _degree(self) -> str:
        counts = [f"COUNT {{ (a){self._bare_arrow(kind)}() }}" for kind in self.types]
        return f"head(COLLECT {{ MATCH {self._source} RETURN {' + '.join(counts)} }})"

    @property
    def _source(self) -> str:
        return _SOURCES.get(self.relation.starts[0], "(a:Claim {id: own.source})")

    def _arrow(self, kind: str) -> str:
        return f"-[r:{kind}]->" if self.relation.is_outgoing else f"<-[r:{kind}]-"

    def _bare_arrow(self, kind: str) -> str:
        return f"-[:{kind}]->" if self.relation.is_outgoing else f"<-[:{kind}]-"


async def read_links(
    unit: ComposedUnit, pages: Sequence[LinkPage], follow: Follow, wrap: str, sources: Sequence[Node]
) -> list[Node]:
    """
    Read pages of one shape and size: their links by one statement, then what is followed from the nodes.

    Args:
        unit: The transaction to read in.
        pages: The pages.
        follow: What to read of the links and of the nodes that they lead to.
        wrap: The name of the node in a link.
        sources: The node of each page.

    Raises:
        InvalidError: A node has too many links for their order.
        NotFoundError: A page is empty, and a condition names a node that does not exist.
    """
    first = pages[0]
    own = first.compose(follow, wants_total=follow.wants_total)
    parameters = own.parameters_for([page.parameters() for page in pages], first.num_nodes)
    found = await unit.fetch(own.text, parameters, is_alone=False, max_rows=len(pages) * first.num_nodes)
    data = dict(found)
    empty = [(page.listed, page.filter) for at, page in enumerate(pages) if not data[at][0]]
    await check_named(unit, empty)
    results = [page.connection(data[at], own, follow, wrap) for at, page in enumerate(pages)]
    await fill(unit, [edge["node"][wrap] for result in results for edge in result["edges"]], follow.node)
    if follow.complete is not None:
        for source, result in zip(sources, results, strict=True):
            for edge in result["edges"]:
                follow.complete(source, edge["node"])
    return results
