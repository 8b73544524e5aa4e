"""
Reads pages of lists, which `graph.model.lists` declares: filtered, in an order, from either end.

A page walks an index of the order's page key. Where a condition names another node, and that node has few of the list's
nodes, those are collected and sorted instead; the same holds for the matches of a text. Whichever it is, is decided in
the statement, so that a page costs by its size and never by the size of the graph, but for rows passed over by further
conditions.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from graph.database.sessions import ComposedUnit
from graph.errors import InvalidError, NotFoundError
from graph.model.lists import Condition, Index, Listed, SortKey
from graph.model.page_keys import AFTER_MARK, LAST
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, noun_of
from graph.reading.anchors import ListAnchor, Page
from graph.reading.composing import Composed, Composer
from graph.reading.following import get
from graph.reading.layouts import NodeLayout
from graph.reading.matching import Words
from graph.reading.search import MANY_MATCHES, MOST_COUNTED
from graph.reading.tree import Node, NodePlan, connection, cursor_text, fill, node_dict, page_key

MOST_COLLECTED: Final = 1_000
"""The most relationships of another node whose ends are collected and sorted; of more, the list's index is walked."""

MOST_WALKED: Final = 200_000
"""
The most rows of an index, for each value of its property, that a page looks at for those that satisfy further
conditions: some 0.2 s. A page that would look at more is refused.
"""

MOST_FACETED: Final = 200_000
"""The most nodes that facets count: some 0.5 s."""

_RANGE_END: Final = "}"  # sorts after the mark that ends a sort key, so that a range includes its last value
_DAY_CHARACTERS: Final = 10
_AFTER_ALL: Final = LAST + AFTER_MARK
NEEDLES: Final = (
    "any(words IN [' ' + coalesce(n.search_title, '') + ' | ' + coalesce(n.search_text, '') + ' '] "
    "WHERE all(needle IN own.needles WHERE any(part IN needle WHERE words CONTAINS part)))"
)


class UnknownNodeError(Exception):
    """An empty page, whose conditions name nodes that may not exist."""


@dataclass(frozen=True, slots=True)
class ListFilter:
    """
    The conditions on a list's nodes that are set, all of which must hold.

    Attributes:
        values: The value of each condition by its name; a list of those that takes several.
        text: The words that a node's texts must have, the last of them perhaps incomplete; None for any.
    """

    values: Mapping[str, Any]
    text: str | None = None

    def named(self, listed: Listed) -> list[tuple[str, str, str]]:
        """Return the nodes that the conditions name: the condition, the label and the key of each."""
        return [
            (condition.name, condition.start.label, key)
            for condition in listed.conditions
            if condition.start is not None
            for key in self.values.get(condition.name, ())
        ]

    def tests(self, listed: Listed, served: Sequence[str] = ()) -> list[str]:
        """Compose the tests of all conditions that are set, but for those that hold anyway."""
        return [
            condition.test.replace("{}", f"own.{condition.name}")
            for condition in listed.conditions
            if condition.name in self.values and condition.name not in served
        ]

    def parameters(self) -> dict[str, Any]:
        """
        Return the values as a statement's parameter.

        Raises:
            InvalidError: The text has no word in it or is too long.
        """
        if self.text is None:
            return dict(self.values)
        return {**self.values, "needles": Words.of(self.text).needles()}


@dataclass(frozen=True, slots=True)
class ListPage(ListAnchor):
    """
    A page of a list.

    Attributes:
        listed: The list.
        filter: The conditions.
        sort: The order.
        size: The most items.
        is_descending: Whether the highest come first.
        after: Return items after this cursor.
        before: Return items before this cursor.
        is_from_end: Whether to return the last items between the cursors, not the first ones.
        cursor_start: What its cursors have before a page key, those of another list that shows the same nodes in the
            same order; None for its own.
        owner: The condition that names the node which the list belongs to, and which exists; None without one.
    """

    listed: Listed
    filter: ListFilter
    sort: SortKey
    size: int
    is_descending: bool = False
    after: str | None = None
    before: str | None = None
    is_from_end: bool = False
    cursor_start: str | None = None
    owner: str | None = None

    @property
    def shape(self) -> tuple[Any, ...]:
        """The list, its order and direction, and the conditions that are set."""
        searched = ("text",) if self.filter.text is not None else ()
        names = sorted(self.filter.values)
        return self.listed.name, self.sort.name, self._reads_down, *names, *searched

    @property
    def num_nodes(self) -> int:
        """The size of a page, and a node that tells whether there is a next."""
        return self.size + 1

    @property
    def order(self) -> str:
        """The name of the order."""
        return f"{self.listed.name} by {self.sort.name}"

    def parameters(self) -> dict[str, Any]:
        """Return the conditions' values, and the page keys between which the page lies."""
        low, high = self._bounds()
        first, last = _bounds_of(self.sort, self.filter)
        given = {**self.filter.parameters(), "low": low, "high": high, "first": first, "last": last}
        given |= _part_bounds(self.sort, self.filter)
        given |= {"most": MOST_COLLECTED, "many": MANY_MATCHES, "before_all": "", "after_all": _AFTER_ALL}
        if self.filter.text is not None:
            given |= {
                "query": Words.of(self.filter.text).query(
                    CLAIM_SUBJECTS if self.listed.label == CLAIM else [self.listed.label]
                ),
                "counted": MOST_COUNTED + 1,
            }
        for column in self._index().columns:
            if column.values is not None and column.condition not in self.filter.values:
                given[column.condition] = list(column.values)
        return given

    def nowhere(self) -> dict[str, Any]:
        """Return bounds after all page keys."""
        return {**self.parameters(), **dict.fromkeys(("low", "high", "first", "last"), _AFTER_ALL)}

    def compose(self, plan: NodePlan, *, wants_total: bool) -> Composed:
        """Compose the statement."""
        composer, row = Composer(), [f"n.{self.sort.property}"]
        (layout,) = composer.node("n", self.listed.label, [plan], row)
        body = self.body()
        composer.num_operators += body.num_operators
        rows = f"COLLECT {{ {body.page()} RETURN [{', '.join(row)}] }}"
        total = f", {body.total()}" if wants_total else ""
        shown = body.shown_rows()
        if shown is None:
            return composer.finish(f"WITH own.at AS at, [{rows}{total}] AS data", layout)
        return composer.finish(f"WITH own, {rows} AS rows WITH own.at AS at, [{shown}{total}] AS data", layout)

    async def read(self, unit: ComposedUnit, plan: NodePlan, *, wants_total: bool) -> Node | None:
        """Read level by level: the page's own nodes by a statement without relations, then what the plan follows."""
        return (await read_pages(unit, [self], plan, wants_total=wants_total))[0]

    def connection(self, data: Sequence[Any], layout: NodeLayout, plan: NodePlan) -> Node:
        """Return the page as the response holds it, of its rows and perhaps the total."""
        rows, *total = data
        self._check_walked(rows)
        page = self._page_of(rows)
        entries = [(self._cursors + row[0], node_of(row, layout, plan)) for row in page.rows]
        result = connection(entries, self.size, has_previous=page.has_previous_page)
        result["page_info"]["has_next_page"] = page.has_next_page
        result["total_count"] = total[0] if total else None
        return result

    def body(self) -> "_Body":
        """Return the clauses that find its nodes."""
        return _Body(self.listed, self.filter, self.sort, self._index(), is_descending=self._reads_down)

    def page_of(self, rows: Sequence[Any]) -> Page:
        """
        Return the page; the last items are read in the opposite order.

        Raises:
            InvalidError: It would be found among more rows than are looked at.
            UnknownNodeError: The page is empty, perhaps since a condition names a node that does not exist; reading
                level by level tells.
        """
        self._check_walked(rows)
        if not rows and self.named():
            raise UnknownNodeError
        return self._page_of(rows)

    def _check_walked(self, rows: Sequence[Any]) -> None:
        if rows and rows[-1] is None:
            message = (
                f"expected a filter that the next {self.size} {self.listed.name} in this order are found for among "
                f"{MOST_WALKED:,}, got one that few satisfy; add a condition, or choose another order"
            )
            raise InvalidError(message, path="filter")

    def _page_of(self, rows: Sequence[Any]) -> Page:
        return page_of(rows, self.size, is_from_end=self.is_from_end, after=self.after, before=self.before)

    @property
    def _reads_down(self) -> bool:
        return self.is_descending != self.is_from_end

    def named(self) -> list[tuple[str, str, str]]:
        """Return the nodes that the conditions name, but for the owner; see `ListFilter.named`."""
        return [place for place in self.filter.named(self.listed) if place[0] != self.owner]

    @property
    def _cursors(self) -> str:
        return cursor_text(self.order, "") if self.cursor_start is None else self.cursor_start

    def _key_in(self, cursor: str, path: str) -> str:
        """
        Return the page key in a cursor.

        Raises:
            InvalidError: The cursor is of another list or order.
        """
        if self.cursor_start is not None and cursor.startswith(self.cursor_start):
            return cursor.removeprefix(self.cursor_start)
        return page_key(self.order, cursor, path=path)

    def _index(self) -> Index:
        return choose_index(self.sort, self.filter)

    def _bounds(self) -> tuple[str, str]:
        low, high = _bounds_of(self.sort, self.filter)
        lows, highs = [low], [high]
        if self.after is not None:
            (highs if self.is_descending else lows).append(self._key_in(self.after, "after"))
        if self.before is not None:
            (lows if self.is_descending else highs).append(self._key_in(self.before, "before"))
        return max(lows), min(highs)


def page_of(rows: Sequence[Any], size: int, *, is_from_end: bool, after: str | None, before: str | None) -> Page:
    """
    Return a page in the order shown; the last items are read in the opposite order.

    Args:
        rows: The rows, one more than shown if there are further ones.
        size: The most items.
        is_from_end: Whether the last items are shown.
        after: The cursor that the items come after.
        before: The cursor that the items come before.
    """
    has_more = len(rows) > size
    if is_from_end:
        return Page(rows[:size][::-1], before is not None, has_more)
    return Page(rows[:size], has_more or before is not None, after is not None)


async def read_pages(unit: ComposedUnit, pages: Sequence[ListPage], plan: NodePlan, *, wants_total: bool) -> list[Node]:
    """
    Read pages of one shape and size level by level: their own nodes by one statement, then what the plan follows.

    Raises:
        InvalidError: A cursor is of another list.
        NotFoundError: A page is empty, and a condition names a node that does not exist.
    """
    first = pages[0]
    own = first.compose(replace(plan, follows=()), wants_total=wants_total)
    parameters = own.parameters_for([page.parameters() for page in pages], first.num_nodes)
    found = await unit.fetch(own.text, parameters, is_alone=False, max_rows=len(pages) * first.num_nodes)
    data = dict(found)
    empty = [(page.listed, page.filter) for at, page in enumerate(pages) if not data[at][0]]
    await check_named(unit, empty, but=first.owner)
    results = [page.connection(data[at], own.layout, plan) for at, page in enumerate(pages)]
    await fill(unit, [edge["node"] for result in results for edge in result["edges"]], plan)
    return results


async def check_named(
    unit: ComposedUnit, empty: Sequence[tuple[Listed, ListFilter]], *, but: str | None = None
) -> None:
    """
    Check that the nodes that conditions of empty pages name exist.

    Args:
        unit: The transaction to read in.
        empty: The list and the conditions of each page.
        but: The condition whose node exists.

    Raises:
        NotFoundError: One does not.
    """
    named = list(dict.fromkeys(place for listed, found in empty for place in found.named(listed) if place[0] != but))
    nodes = await get(unit, [(label, key, ()) for _, label, key in named]) if named else []
    for (name, label, key), node in zip(named, nodes, strict=True):
        if node is None:
            raise NotFoundError(f"no {noun_of(label)} has the id {key!r}", path=f"filter.{name}")


def choose_index(sort: SortKey, filter_: ListFilter) -> Index:
    """Choose the most selective index of an order that a filter has the values for."""
    return next(index for index in sort.indexes if index.serves(filter_.values))


def choose_start(listed: Listed, filter_: ListFilter, index: Index) -> Condition | None:
    """Choose the condition at whose nodes reading may begin: one that the index does not serve; a node's first."""
    return next(
        (
            condition
            for condition in sorted(listed.conditions, key=lambda condition: condition.start is None)
            if condition.may_begin and condition.name in filter_.values and not index.names(condition.name)
        ),
        None,
    )


def _bounds_of(sort: SortKey, filter_: ListFilter) -> tuple[str, str]:
    """Return the page keys between which a whole list lies, both excluded, by the filter's range of the sort key."""
    low, high = (None if name is None else filter_.values.get(name) for name in sort.ranges)
    return ("" if low is None else sort.text(low)), (_AFTER_ALL if high is None else sort.text(high) + _RANGE_END)


def _part_bounds(sort: SortKey, filter_: ListFilter) -> dict[str, Any]:
    """Return the page keys between which the rows of the order's part lie, where the filter bounds them."""
    if sort.part is None or sort.part.ranges[0] not in filter_.values:
        return {}
    low, high = (sort.text(filter_.values[name]) for name in sort.part.ranges)
    return {"part": sort.part.value, "part_low": low, "part_high": high + _RANGE_END}


class _Body:
    """The clauses that find a list's nodes `n`, from the values `own`."""

    def __init__(
        self, listed: Listed, filter_: ListFilter, sort: SortKey, index: Index, *, is_descending: bool = False
    ) -> None:
        self._listed, self._filter, self._sort, self._index = listed, filter_, sort, index
        self._down = " DESC" if is_descending else ""
        self._key = f"n.{sort.property}"
        self._start = choose_start(listed, filter_, index)
        self.num_operators = 8 if self._start is None and filter_.text is None else 20

    def page(self) -> str:
        """Compose the clauses that find the rows of a page in order."""
        cut = f"ORDER BY {self._key}{self._down} LIMIT $p.limit"
        return f"{self._found(cut)} WITH n {cut}"

    def total(self) -> str:
        """Compose the number of all nodes; null where more match a text, or would be looked at, than are counted."""
        if not self._filter.values and self._filter.text is None:
            return f"COUNT {{ (:{self._listed.label}) }}"
        if self._filter.text is None:
            # The store keeps the number of a label, so that smaller graphs need no further look.
            may_be_cut = f"COUNT {{ (:{self._index.label}) }} > {MOST_WALKED}"
            counted = f"COUNT {{ {self._found(None)} RETURN n }}"
            is_cut = self._cut_beyond(("own.first", "own.last"), "null", counted)
            return f"CASE WHEN {may_be_cut} THEN {is_cut} ELSE {counted} END"
        conditions = self._conditions(())
        test = " AND ".join(conditions) if conditions else "true"
        return (
            f"head(COLLECT {{ {_LOOK} WITH own, are_many, CASE WHEN are_many THEN [] ELSE COLLECT {{ "
            f"CALL db.index.fulltext.queryNodes('search_words', own.query, {{limit: own.counted}}) YIELD node AS n "
            f"RETURN {test} }} END AS tests "
            "RETURN CASE WHEN NOT are_many AND size(tests) < own.counted THEN size([holds IN tests WHERE holds]) END })"
        )

    def all(self, limit: str) -> str:
        """Compose the clauses that find all nodes, at most as many as a limit."""
        return f"{self._found(None)} WITH n LIMIT {limit}"

    def _found(self, cut: str | None) -> str:
        """Compose the clauses that find the nodes, each branch of them cut if they are in order."""
        bounds = ("own.first", "own.last") if cut is None else ("own.low", "own.high")
        ended = "RETURN n" if cut is None else f"WITH n {cut} RETURN n"
        if self._filter.text is not None:
            collected = "CALL db.index.fulltext.queryNodes('search_words', own.query) YIELD node AS n"
            where = [_between(self._key, bounds), *self._conditions(())]
            few = f"WITH own, are_many WHERE NOT are_many {collected} WITH n, own WHERE {' AND '.join(where)} {ended}"
            walk = self._apart(self._walk(bounds, cut, [*self._conditions(()), NEEDLES]))
            many = f"WITH own, are_many WHERE are_many {walk} RETURN n"
            return f"{_LOOK} CALL (own, are_many) {{ {few} UNION ALL {many} }}"
        if self._start is None:
            return self._walk(bounds, cut, self._conditions(()))
        count, collected = self._collected(self._start)
        where = [_between(self._key, bounds), *self._conditions((self._start.name,))]
        found = f"{collected} WITH DISTINCT n, own WHERE {' AND '.join(where)} {ended}"
        few = f"WITH own, num WHERE num <= own.most CALL (own) {{ {found} }} RETURN n"
        walk = self._apart(self._walk(bounds, cut, self._conditions(())))
        many = f"WITH own, num WHERE num > own.most {walk} RETURN n"
        return f"CALL (own) {{ {count} }} CALL (own, num) {{ {few} UNION ALL {many} }}"

    def _collected(self, condition: Condition) -> tuple[str, str]:
        """Compose how many nodes a condition gives to collect, and how to find them."""
        name, start = condition.name, condition.start
        if start is None:
            label, place = self._index.label, condition.begins_at
            test = (condition.seek or f"n.{place} IN {{}}").replace("{}", f"own.{name}")
            seek = f"MATCH (n:{label}) USING INDEX SEEK n:{label}({place}) WHERE {test}"
            count = f"RETURN COUNT {{ {seek} RETURN n LIMIT {MOST_COLLECTED + 1} }} AS num"
            return count, seek if label == self._listed.label else f"{seek} AND n:{self._listed.label}"
        found = f"UNWIND own.{name} AS value MATCH (a:{start.label} {{{start.key}: value}})"
        degrees = f"COLLECT {{ {found} RETURN COUNT {{ (a){start.degree} }} }}"
        count = f"RETURN reduce(num = 0, degree IN {degrees} | num + degree) AS num"
        return count, f"{found} MATCH (a){start.path}(n:{self._listed.label})"

    def shown_rows(self) -> str | None:
        """
        Compose the `rows` of a page, and a null behind them if it ends where no more rows are looked at.

        None where all rows of the index that are looked at are on the page.
        """
        if not self._passes_over():
            return None
        is_cut = self._cut_beyond(("own.low", "own.high"), "[null]", "[]")
        return f"rows + CASE WHEN size(rows) < $p.limit THEN {is_cut} ELSE [] END"

    def _cut_beyond(self, bounds: tuple[str, str], cut: str, whole: str) -> str:
        """Compose a value: `cut` if a walk between two page keys would look at too many rows, else `whole`."""
        walk, _ = self._seek(bounds)
        counts = f"COLLECT {{ {self._each()}RETURN COUNT {{ {walk} RETURN n LIMIT {MOST_WALKED + 1} }} }}"
        found = f"CASE WHEN any(num IN {counts} WHERE num > {MOST_WALKED}) THEN {cut} ELSE {whole} END"
        if self._filter.text is not None:
            is_walked = f"head(COLLECT {{ {_LOOK} RETURN are_many }})"
        elif self._start is not None:
            is_walked = f"head(COLLECT {{ {self._collected(self._start)[0]} }}) > own.most"
        else:
            return found
        return f"CASE WHEN {is_walked} THEN {found} ELSE {whole} END"

    def _apart(self, walk: str) -> str:
        """Compose a walk that only begins once what stands before it holds; a walk for each value does so anyway."""
        return walk if self._index.columns else f"CALL (own) {{ {walk} RETURN n }}"

    def _passes_over(self) -> bool:
        """Whether a walk of the index passes over rows, for a text or for conditions that it does not serve."""
        served = [*(column.test for column in self._index.columns), *self._part_tests()]
        served += [self._test(name) for name in self._sort.ranges if name]
        return self._filter.text is not None or any(test not in served for test in self._conditions(()))

    def _seek(self, bounds: tuple[str, str]) -> tuple[str, str]:
        """Compose the seek of the index between two page keys, within a value of each column; and its order."""
        index = self._index
        properties = [*(column.name for column in index.columns), self._sort.property]
        where = [f"n.{column.name} = value{place}" for place, column in enumerate(index.columns)]
        where.append(_between(self._key, bounds))
        if self._sort.part is not None and self._sort.part.ranges[0] in self._filter.values:
            within = [f"CASE value0 WHEN own.part THEN own.{bound} ELSE {other} END" for bound, other in _PART_BOUNDS]
            where.append(_between(self._key, (within[0], within[1])))
        hint = f"MATCH (n:{index.label}) USING INDEX SEEK n:{index.label}({', '.join(properties)})"
        return f"{hint} WHERE {' AND '.join(where)}", ", ".join(f"n.{name}{self._down}" for name in properties)

    def _walk(self, bounds: tuple[str, str], cut: str | None, conditions: Sequence[str]) -> str:
        """Compose the walk of the index: one for each combination of its columns' values, whose rows are merged."""
        index = self._index
        seek, order = self._seek(bounds)
        label_test = [] if index.holds_only(self._listed.label) else [f"n:{self._listed.label}"]
        served = [*(column.test for column in index.columns), *self._part_tests()]
        tests = [*label_test, *(test for test in conditions if test not in served)]
        ordered = "" if cut is None else f" WITH n ORDER BY {order} LIMIT $p.limit"
        if cut is not None and self._passes_over():
            where = f" WITH own, n ORDER BY {order} LIMIT {MOST_WALKED} WHERE {' AND '.join(tests)}"
        else:
            where = "".join(f" AND {test}" for test in tests)
        found = f"{seek}{where}{ordered}"
        if not index.columns:
            return found
        values = ", ".join(f"value{place}" for place in range(len(index.columns)))
        return f"{self._each()}CALL (own, {values}) {{ {found} RETURN n }}"

    def _test(self, condition: str) -> str:
        return self._listed.condition(condition).test.replace("{}", f"own.{condition}")

    def _part_tests(self) -> list[str]:
        """Compose the tests that the bounds of the order's part make unnecessary."""
        return [] if self._sort.part is None else [self._test(name) for name in self._sort.part.ranges]

    def _each(self) -> str:
        """Compose the rows of each combination of the columns' values."""
        columns = enumerate(self._index.columns)
        return "".join(f"UNWIND own.{column.condition} AS value{place} " for place, column in columns)

    def _conditions(self, served: Sequence[str]) -> list[str]:
        return self._filter.tests(self._listed, served)


# Neo4j 5.26 takes an aggregating function for one of the expression around it, so that numbers are those of subqueries.
_LOOK: Final = (
    "CALL (own) { RETURN COUNT { CALL db.index.fulltext.queryNodes('search_words', "
    "own.query + ' +search_group:g6x0', {limit: own.many}) YIELD score RETURN score } AS num_coarse } "
    "CALL (own, num_coarse) { RETURN CASE WHEN num_coarse < 4 THEN COUNT { CALL db.index.fulltext.queryNodes("
    "'search_words', own.query + ' +search_group:g3x0', {limit: own.many}) YIELD score RETURN score } "
    "ELSE 0 END AS num_fine } "
    "WITH own, num_coarse >= 4 OR num_fine >= 16 AS are_many"
)
"""
Tells whether a text has many matches, by a look into one group of 4,096, and where that has few, into one of 64; a walk
in the list's order soon finds a page of many.
"""


_PART_BOUNDS: Final = (("part_low", "own.before_all"), ("part_high", "own.after_all"))


def _between(key: str, bounds: tuple[str, str]) -> str:
    return f"{key} > {bounds[0]} AND {key} < {bounds[1]}"


def node_of(row: Sequence[Any], layout: NodeLayout, plan: NodePlan) -> Node:
    """Make the dict of a node from its row, as a layout places its parts."""
    subject = layout.subjects[0 if layout.subject_at is None else row[layout.subject_at]]
    properties: dict[str, Any] = dict.fromkeys(plan.properties)
    properties |= {name: row[layout.properties_at][place] for name, place in layout.properties.items()}
    properties |= {name: _moment(row[layout.moments_at or 0][place]) for name, place in layout.moments.items()}
    return node_dict(subject, properties)


def _moment(text: str | None) -> datetime | date | None:
    """Parse a moment or a day; a moment may have the name of its zone behind it, in brackets."""
    if text is None:
        return None
    if len(text) == _DAY_CHARACTERS:
        return date.fromisoformat(text)
    return datetime.fromisoformat(text.partition("[")[0]).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Facets:
    """
    Numbers of a list's nodes.

    Attributes:
        total: The number of all.
        by: For each property, the number of nodes with each value, None for those without, the largest first.
    """

    total: int
    by: Mapping[str, Sequence[tuple[str | None, int]]]


FACETS: Final = ("status", "domain_id", "predictor_id")
"""The properties that facets count claims by."""


async def count_facets(unit: ComposedUnit, listed: Listed, filter_: ListFilter) -> Facets:
    """
    Count the nodes of a list by each of `FACETS`, in one statement.

    Raises:
        InvalidError: More than `MOST_FACETED` nodes satisfy the filter, or more match its text than are looked at.
    """
    page = ListPage(listed, filter_, listed.sorts[0], MOST_FACETED)
    values = ", ".join(f"n.{name} AS {name}" for name in FACETS)
    counted = f"WITH {values}, count(n) AS num RETURN collect([{', '.join(FACETS)}, num]) AS rows"
    text = (
        f"UNWIND $p.each AS own CALL (own) {{ {page.body().all('$p.limit')} {counted} }} "
        "RETURN collect([own.at, [rows]]) AS data"
    )
    parameters = {"each": [{**page.parameters(), "at": 0}], "limit": page.num_nodes}
    found = await unit.fetch(text, parameters, is_alone=False, max_rows=1)
    rows = found[0][1][0]
    total = sum(row[-1] for row in rows)
    if total > MOST_FACETED:
        message = f"expected a filter that at most {MOST_FACETED:,} {listed.name} satisfy, got one with more"
        raise InvalidError(message, path="filter")
    return Facets(total, {name: _summed(rows, place) for place, name in enumerate(FACETS)})


def _summed(rows: Sequence[Sequence[Any]], place: int) -> list[tuple[str | None, int]]:
    counts: Counter[str | None] = Counter()
    for row in rows:
        counts[row[place]] += row[-1]
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0] is None, entry[0] or ""))
