"""
Weighs expressions: how much a row's evaluation computes and builds at most, since Neo4j does not interrupt it.

Time limits are heeded between rows only. What a row costs is bounded by the lists that its expressions go through, each
within the other, and by the texts and lists that they put together. Sizes of stored values are nominal: nobody can
enlarge them by a statement that reads.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from graph.adhoc.allowed import FUNCTIONS, INTERNAL, REFUSED, Size, words
from graph.adhoc.literals import Literals
from graph.adhoc.patterns import PatternError, count_ways
from graph.adhoc.tokens import Group, Node, Token, is_word, split

MOST_STEPS: Final = 1.5e8
"""Steps of one row: some seconds of the database's interpreter."""
MOST_BUILT: Final = 2.5e7
"""Items that one row puts together: some hundred megabytes."""
MOST_JOINED: Final = 2e6
"""Length of a text or a list that is put together from others, unless one of them is collected from rows."""
MOST_DEPTH: Final = 16
"""Levels of lists and maps in a value; what writes and reads it goes down as deep."""
MOST_WAYS: Final = 1e8
"""Ways to match a regular expression: some seconds."""

MOST_SENT: Final = 1e9
"""Characters of a list or a map with what is in it, which is sent as a whole: some seconds."""
MOST_SENT_COLLECTED: Final = 2e10
"""The same where rows are collected: memory holds no more of them than their number says by far."""

COLLECTED: Final = 5e6
"""Items that a transaction's memory holds as one list."""


@dataclass(frozen=True, slots=True)
class Value:
    """
    Bounds of a value's size.

    Attributes:
        length: Items of a list, or characters of a text.
        element: Size of an item.
        depth: Levels of lists and maps within each other.
    """

    length: float = 1.0
    element: float = 1.0
    depth: int = 0

    @property
    def size(self) -> float:
        """Items and characters in all; more than memory holds are none."""
        return min(self.length * self.element, 4 * COLLECTED)

    def join(self, other: "Value") -> "Value":
        """The larger of both, in each respect."""
        return Value(max(self.length, other.length), max(self.element, other.element), max(self.depth, other.depth))


SMALL: Final = Value()
PROPERTY: Final = Value(10.0, 50.0)
ENTITIES: Final = Value(20.0, 1.0)
PROPERTIES: Final = Value(50.0, 50.0)
MATCHED_LENGTH: Final = 300.0
"""Characters of a stored text that a regular expression is matched with."""
SUBQUERY_STEPS: Final = 1_000.0
"""Steps of a subquery within an expression, whose rows are interrupted."""


@dataclass(frozen=True, slots=True)
class Weight:
    """
    Bounds of an expression.

    Attributes:
        value: Its value.
        steps: Steps of its evaluation.
        built: Items that it puts together.
    """

    value: Value = SMALL
    steps: float = 1.0
    built: float = 0.0


Names = Mapping[str, Value]


class HeavyError(ValueError):
    """
    An expression is refused.

    Attributes:
        kind: FUNCTION or EXPRESSION.
        name: What is refused.
        hint: What to write instead.
    """

    def __init__(self, message: str, *, kind: str, name: str, hint: str) -> None:
        super().__init__(message)
        self.kind, self.name, self.hint = kind, name, hint


_SHORT: Final = "UNWIND the list, so that each item is a row of its own, or shorten it first, as by list[..100]"
_KEYWORDS: Final = words("""
    ALL AND AS ASC BY CASE COLLECT CONTAINS COUNT DESC DESCENDING DISTINCT ELSE END ENDS EXISTS FALSE IN INDEX IS LIMIT
    MATCH NORMALIZED NOT NULL OFFSET OPTIONAL OR ORDER RETURN SHORTEST SKIP STARTS THEN TRUE TYPED UNION UNIQUE UNWIND
    WHEN WHERE WITH XOR
""")
_SUBQUERIES: Final = frozenset({"EXISTS", "COUNT", "COLLECT"})
_TRUTHS: Final = (
    "AND",
    "OR",
    "XOR",
    "NOT",
    "=",
    "<>",
    "<",
    ">",
    "<=",
    ">=",
    "=~",
    "IN",
    "STARTS",
    "ENDS",
    "CONTAINS",
    "IS",
)
_PROBE: Final = 1_000.0
"""Size of an intermediate result by which reduce is tried."""
_MOST_REDUCING: Final = 3
_QUANTIFIERS: Final = frozenset({"all", "any", "none", "single"})


class Scale:
    """
    Weighs the expressions of one statement.

    Args:
        literals: Bounds of its literals.
        parameters: Its parameters.
    """

    def __init__(self, literals: Literals, parameters: Mapping[str, Any]) -> None:
        self._literals = literals
        self._parameters = parameters
        self._num_reducing = 0

    def weigh(self, nodes: Sequence[Node], names: Names) -> Weight:
        """
        Weigh a sequence of tokens: expressions with signs, words or commas between.

        Raises:
            HeavyError: A function is not allowed, or the expression is too heavy.
        """
        weight = self._weigh(tuple(nodes), names)
        if weight.steps > MOST_STEPS:
            raise HeavyError(
                "it goes through large lists within each other for each row, which no time limit interrupts",
                kind="EXPRESSION",
                name="a list within a list",
                hint=_SHORT,
            )
        if weight.built > MOST_BUILT:
            raise _too_large()
        if weight.value.depth > MOST_DEPTH:
            raise _too_deep()
        return weight

    def list_named(self, nodes: tuple[Node, ...], names: Names) -> dict[str, Value]:
        """Weigh expressions with their names, as in `expression AS name, …`; returns the names' values."""
        named: dict[str, Value] = {}
        for item in split(nodes, ","):
            value = self.weigh(item, names).value
            if item and isinstance(item[-1], Token) and (len(item) == 1 or _is_named(item)):
                named[item[-1].text] = value
        return named

    def _weigh(self, nodes: tuple[Node, ...], names: Names) -> Weight:
        items = split(nodes, ",")
        if len(items) > 1:
            weights = [self._weigh(item, names) for item in items]
            return Weight(_largest(weights), _steps(weights), sum(weight.built for weight in weights))
        nodes = nodes[:-2] if _is_named(nodes) else nodes
        if any(is_word(node, "CASE") for node in nodes):
            return self._case(nodes, names)
        if any(is_word(node, *_TRUTHS) for node in nodes):
            return self._truth(nodes, names)
        return self._sum(nodes, names)

    def _case(self, nodes: tuple[Node, ...], names: Names) -> Weight:
        """Weigh a sequence with CASE … END in it: the largest of its branches, beside what stands around."""
        start = next(index for index, node in enumerate(nodes) if is_word(node, "CASE"))
        depth, end = 0, -1
        for index in range(start, len(nodes)):
            depth += is_word(nodes[index], "CASE")
            depth -= is_word(nodes[index], "END")
            if depth == 0:
                end = index
                break
        if end < 0:
            raise _unknown("CASE")
        branches = self._branches(nodes[start + 1 : end], names)
        inner = Weight(_largest(branches), _steps(branches), max(branch.built for branch in branches))
        around = self._weigh((*nodes[:start], Token("number", "0"), *nodes[end + 1 :]), names)
        return Weight(inner.value.join(around.value), inner.steps + around.steps, inner.built + around.built)

    def _branches(self, nodes: tuple[Node, ...], names: Names) -> list[Weight]:
        """Weigh what stands between the words WHEN, THEN and ELSE of one CASE."""
        branches, start, depth = [], 0, 0
        for index, node in enumerate(nodes):
            depth += is_word(node, "CASE")
            depth -= is_word(node, "END")
            if depth == 0 and is_word(node, "WHEN", "THEN", "ELSE"):
                branches.append(self._weigh(nodes[start:index], names))
                start = index + 1
        return [*branches, self._weigh(nodes[start:], names)]

    def _truth(self, nodes: tuple[Node, ...], names: Names) -> Weight:
        """Weigh comparisons: each looks through both sides at most once."""
        parts: list[tuple[Node, ...]] = split(nodes, *_TRUTHS)
        weights = [self._sum(part, names) for part in parts]
        signs = [node.text for node in nodes if isinstance(node, Token) and is_word(node, *_TRUTHS)]
        for index, sign in enumerate(signs):
            if sign == "=~":
                self._match(weights[index].value, parts[index + 1])
        looked = sum(weight.value.size for weight in weights) / 50
        return Weight(SMALL, _steps(weights) + looked, sum(weight.built for weight in weights))

    def _match(self, subject: Value, pattern: tuple[Node, ...]) -> None:
        """Judge a regular expression, which has to be known before the statement runs."""
        length = subject.size if subject.size > PROPERTY.size else MATCHED_LENGTH
        for text in self._find_patterns(pattern):
            try:
                ways = count_ways(text, length)
            except PatternError as error:
                raise _heavy_pattern(f"the regular expression {text!r} may match for ever: {error}") from None
            if ways > MOST_WAYS:
                message = (
                    f"the regular expression {text!r} has too many ways to match a text of {length:.0f} characters"
                )
                raise _heavy_pattern(message)

    def _find_patterns(self, pattern: tuple[Node, ...]) -> Iterable[str]:
        first = pattern[0] if pattern else None
        if isinstance(first, Token) and (len(pattern) == 1 or is_word(pattern[1], *_KEYWORDS)):
            if first.kind == "string":
                return [first.text[1:-1]]
            if first.kind == "parameter" and first.text in self._parameters:
                return [str(self._parameters[first.text])]
            is_literal = first.kind == "parameter" and first.text.strip().lower().startswith("auto")
            if is_literal and self._literals.strings is not None:
                return self._literals.strings
        raise _heavy_pattern("a regular expression must be a text in the statement, without \\u, or a parameter")

    def _sum(self, nodes: tuple[Node, ...], names: Names) -> Weight:
        terms = [self._term(term, names) for term in split(nodes, "+", "||")]
        if len(terms) == 1:
            return terms[0]
        length = sum(term.value.length for term in terms)
        value = replace(_largest(term for term in terms), length=length)
        is_collected = any(term.value.length >= COLLECTED for term in terms)
        built = sum(term.built for term in terms) + (0 if is_collected else value.size)
        if length > (4 * COLLECTED if is_collected else MOST_JOINED):
            raise _too_large()
        return Weight(value, _steps(terms) + value.size / 50, built)

    def _term(self, nodes: tuple[Node, ...], names: Names) -> Weight:
        """Weigh names, calls and groups side by side, with what is asked of them by `.name` and `[index]`."""
        weights: list[Weight] = []
        index = 0
        while index < len(nodes):
            last = weights[-1] if weights and self._is_asked(nodes, index) else None
            weight, index = self._factor(nodes, index, names, last)
            if last is None:
                weights.append(weight)
            else:
                weights[-1] = Weight(weight.value, last.steps + weight.steps, last.built + weight.built)
        if any(is_word(node, "*", "/", "%", "^", "-") for node in nodes):
            return Weight(SMALL, _steps(weights), sum(weight.built for weight in weights))
        return Weight(_largest(weights), _steps(weights), sum(weight.built for weight in weights))

    def _is_asked(self, nodes: tuple[Node, ...], index: int) -> bool:
        """Whether a node asks for a part of what stands before it: `.name`, `[index]`, `{.name}`."""
        node, before = nodes[index], nodes[index - 1]
        if isinstance(node, Token):
            return is_word(node, ".") and index + 1 < len(nodes)
        is_value = isinstance(before, Group) or before.kind in ("name", "quoted", "parameter")
        return node.bracket in "[{" and node.is_joined and is_value

    def _factor(self, nodes: tuple[Node, ...], index: int, names: Names, last: Weight | None) -> tuple[Weight, int]:
        """Weigh the node at a place; returns its weight, and the place after it."""
        node = nodes[index]
        if last is not None:
            if isinstance(node, Token):
                return Weight(PROPERTY.join(last.value) if last.value.size > 1 else PROPERTY), index + 2
            return self._part(node, names, last), index + 1
        if isinstance(node, Group):
            return self._group(node, names), index + 1
        name, after = _dotted(nodes, index)
        if name is not None:
            group = nodes[after]
            assert isinstance(group, Group)  # noqa: S101 - so found
            return self._call(name, group, names), after + 1
        if node.text in _SUBQUERIES and index + 1 < len(nodes):
            group = nodes[index + 1]
            if isinstance(group, Group) and group.bracket == "{":
                return self._subquery(node.text, group, names), index + 2
        if node.kind == "name" and node.text == "cache" and index + 1 < len(nodes):
            return Weight(PROPERTY), index + 2
        return Weight(self._atom(node, names)), index + 1

    def _atom(self, node: Token, names: Names) -> Value:
        if node.kind == "parameter":
            if node.text in self._parameters:
                return measure(self._parameters[node.text])
            return Value(self._literals.num_items, 20.0) if "list" in node.text.lower() else Value(20.0)
        if node.kind in ("name", "quoted"):
            return names.get(node.text, SMALL)
        return Value(len(node.text)) if node.kind == "string" else SMALL

    def _part(self, group: Group, names: Names, last: Weight) -> Weight:
        """Weigh an index, a slice or a projection of the value before it."""
        inner = self._weigh(group.content, names)
        if group.bracket == "{":
            return Weight(PROPERTIES.join(inner.value), inner.steps, inner.built + inner.value.length)
        bounds = split(group.content, "..")
        if len(bounds) == 1:
            value = PROPERTY if last.value.size <= 1 else Value(last.value.element, 1.0, last.value.depth)
            return replace(inner, value=value)
        most = self._number(bounds[1], names)
        is_counted = bool(bounds[1]) and not self._literals.has_negative
        length = min(last.value.length, most) if is_counted else last.value.length
        return replace(inner, value=replace(last.value, length=length))

    def _group(self, group: Group, names: Names) -> Weight:
        if group.bracket == "[" and len(group.content) > 1 and is_word(group.content[1], "IN"):
            return self._comprehension(group.content, names)
        weight = self._weigh(group.content, names)
        if group.bracket == "(":
            return weight
        length = float(len(split(group.content, ","))) if group.content else 0.0
        depth = weight.value.depth + 1
        if group.bracket == "[":
            value = _checked(Value(length, weight.value.size, depth))
        else:  # any of its values is given by `.name`
            value = Value(max(length, weight.value.length), weight.value.element, depth)
        return Weight(value, weight.steps, weight.built + length)

    def _comprehension(self, content: tuple[Node, ...], names: Names) -> Weight:
        source, inner, body = self._iterate(content, names)
        value = source.value
        if any(is_word(node, "|") for node in content):
            value = _checked(Value(source.value.length, body[-1].value.size, body[-1].value.depth + 1))
        built = source.value.length * (1 + sum(weight.built for weight in body))
        return Weight(value, inner, source.built + built)

    def _iterate(self, content: tuple[Node, ...], names: Names) -> tuple[Weight, float, list[Weight]]:
        """Weigh `name IN list WHERE condition | expression`: the list, the steps of all of it, and its other parts."""
        variable = content[0]
        source_nodes, *others = split(content[2:], "WHERE", "|")
        source = self._weigh(source_nodes, names)
        inner = {**names, _name(variable): Value(source.value.element, 1.0, source.value.depth)}
        body = [self._weigh(other, inner) for other in others]
        return source, source.steps + source.value.length * (1 + _steps(body)), body

    def _reduce(self, group: Group, names: Names) -> Weight:
        """Weigh `reduce(result = start, name IN list | expression)`; the result must not multiply at each step."""
        start, loop = _cut(group.content, ",")
        items, body = _cut(loop, "|")
        if len(start) < 3 or len(items) < 3 or not body:  # noqa: PLR2004 - a name, a sign, and more
            raise _unknown("reduce")
        source, first = self._weigh(items[2:], names), self._weigh(start[2:], names)
        item = Value(source.value.element, 1.0, source.value.depth)

        def step(length: float) -> Weight:
            return self._weigh(body, {**names, _name(items[0]): item, _name(start[0]): Value(length)})

        with self._nested_reduce():
            none, once, twice = step(0.0), step(_PROBE), step(2 * _PROBE)
        grown = twice.value.length - once.value.length
        if _nests(body, _name(start[0])) or grown > _PROBE:
            raise HeavyError(
                "its result may multiply or nest with each item, which no limit of memory or time interrupts",
                kind="FUNCTION",
                name="reduce",
                hint="an expression that uses the result once, such as reduce(total = 0, x IN list | total + x.weight)",
            )
        added = none.value.length * source.value.length if grown > 0 else once.value.length
        value = replace(first.value.join(none.value), length=first.value.length + added)
        if value.length > MOST_JOINED and grown > 0:
            raise _too_large()
        copied = value.size / 50 if grown > 0 else 0.0
        steps = first.steps + source.steps + source.value.length * (1 + none.steps + copied)
        return Weight(value, steps, first.built + source.built + none.built + value.length)

    @contextmanager
    def _nested_reduce(self) -> Iterator[None]:
        """Each is tried several times, and each within it as often again."""
        self._num_reducing += 1
        if self._num_reducing > _MOST_REDUCING:
            raise HeavyError(
                f"there are more than {_MOST_REDUCING} within each other",
                kind="FUNCTION",
                name="reduce",
                hint="UNWIND and aggregations",
            )
        try:
            yield
        finally:
            self._num_reducing -= 1

    def _subquery(self, word: str, group: Group, names: Names) -> Weight:
        """Weigh a subquery within an expression, of which a plan shows no operators."""
        for index, node in enumerate(group.content):
            if _is_clause(node) and not (index + 1 < len(group.content) and is_word(group.content[index + 1], ".")):
                assert isinstance(node, Token)  # noqa: S101 - so found
                raise HeavyError(
                    "a subquery within an expression may match, unwind and return only",
                    kind="STATEMENT",
                    name=node.text,
                    hint="a clause of its own, outside of the expression",
                )
        inner = self._weigh(group.content, names)
        value = collected(inner.value) if word == "COLLECT" else SMALL
        return Weight(value, SUBQUERY_STEPS + inner.steps, inner.built)

    def _call(self, name: str, group: Group, names: Names) -> Weight:
        lowered = name.lower()
        if lowered == "reduce":
            return self._reduce(group, names)
        size = FUNCTIONS.get(lowered) or INTERNAL.get(lowered)
        if size is None:
            reason, hint = REFUSED.get(lowered, ("it is not known to be harmless", "another function"))
            raise HeavyError(f"the function {name} is not allowed: {reason}", kind="FUNCTION", name=name, hint=hint)
        if lowered in _QUANTIFIERS and len(group.content) > 1 and is_word(group.content[1], "IN"):
            source, steps, _ = self._iterate(group.content, names)
            return Weight(SMALL, steps, source.built)
        arguments = [self._weigh(item, names) for item in split(group.content, ",")]
        value = self._result(size, name, group, arguments, names)
        steps = 1 + _steps(arguments) + sum(argument.value.size for argument in arguments) / 50
        built = sum(argument.built for argument in arguments)
        if size in _BUILDERS:
            built += value.length
            if value.length > 4 * COLLECTED or (size is Size.REPLACED and value.length > MOST_JOINED):
                raise _too_large()
        return Weight(value, steps + (value.length if size is Size.RANGE else 0), built)

    def _result(self, size: Size, name: str, group: Group, arguments: list[Weight], names: Names) -> Value:
        largest = _largest(arguments)
        makers: dict[Size, Callable[[], Value]] = {
            Size.SMALL: lambda: Value(50.0),
            Size.SAME: lambda: largest,
            Size.ELEMENT: lambda: Value(largest.element, 1.0, largest.depth),
            Size.ENTITIES: lambda: ENTITIES,
            Size.PROPERTIES: lambda: PROPERTIES,
            Size.COLLECTED: lambda: collected(largest),
            Size.SPLIT: lambda: Value(largest.size, min(largest.size, PROPERTY.size)),
            Size.FLATTENED: lambda: Value(largest.size, 1.0, largest.depth),
            Size.REPLACED: lambda: Value(arguments[0].value.size * max(arguments[-1].value.size, 1.0)),
            Size.RANGE: lambda: Value(self._range(group, names)),
        }
        return makers[size]()

    def _range(self, group: Group, names: Names) -> float:
        bounds = [self._number(item, names) for item in split(group.content, ",")]
        length = sum(bounds[:2]) + 1
        if length > MOST_JOINED:
            raise HeavyError(
                f"a list made by range must have at most {MOST_JOINED:,.0f} items, and this one may have more",
                kind="FUNCTION",
                name="range",
                hint="UNWIND range(…) AS i, whose items become rows, or bounds as parameters",
            )
        return length

    def _number(self, nodes: tuple[Node, ...], names: Names) -> float:
        """Bound a whole number's distance from 0; infinite if it is not known."""
        terms = split(nodes, "+", "-")
        return sum(self._plain_number(term, names) for term in terms if term)

    def _plain_number(self, nodes: tuple[Node, ...], names: Names) -> float:
        first = nodes[0]
        if len(nodes) == 1 and isinstance(first, Group) and first.bracket == "(":
            return self._number(first.content, names)
        if len(nodes) == 2 and is_word(first, "size", "length") and isinstance(nodes[1], Group):  # noqa: PLR2004
            is_length = is_word(first, "length")
            return ENTITIES.length if is_length else self._weigh(nodes[1].content, names).value.length
        if len(nodes) != 1 or not isinstance(first, Token):
            return float("inf")
        if first.kind == "number":
            return float(first.text)
        if first.kind == "parameter":
            given = self._parameters.get(first.text)
            if isinstance(given, int | float):
                return abs(float(given))
            return self._literals.largest if "int" in first.text.lower() else float("inf")
        return float("inf")


_BUILDERS: Final = frozenset({Size.REPLACED, Size.FLATTENED, Size.SPLIT, Size.RANGE})


def measure(value: Any) -> Value:
    """The size of a parameter's value."""
    if isinstance(value, str | bytes):
        return Value(float(len(value)))
    if isinstance(value, Mapping):
        return _measure_items(list(value.values()))
    return _measure_items(value) if isinstance(value, list | tuple) else SMALL


def _measure_items(items: Sequence[Any]) -> Value:
    largest = [measure(item) for item in items]
    depth = max((item.depth for item in largest), default=0) + 1
    return Value(float(len(items)), max((item.size for item in largest), default=1.0), depth)


def collected(item: Value) -> Value:
    """The size of a list that is collected from rows."""
    return Value(COLLECTED, item.size, item.depth + 1)


def _cut(nodes: tuple[Node, ...], sign: str) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """Split nodes at the first place of a sign, which is left out; the second part is empty without one."""
    for index, node in enumerate(nodes):
        if is_word(node, sign):
            return nodes[:index], nodes[index + 1 :]
    return nodes, ()


def _dotted(nodes: tuple[Node, ...], index: int) -> tuple[str | None, int]:
    """The name of a function that is called at a place, and the place of its arguments; None for any other name."""
    first = nodes[index]
    if not isinstance(first, Token) or first.kind not in ("name", "quoted") or _is_label(nodes, index):
        return None, index
    words, after = [first.text], index + 1
    while after + 1 < len(nodes) and is_word(nodes[after], "."):
        word = nodes[after + 1]
        if not isinstance(word, Token) or word.kind not in ("name", "quoted"):
            break
        words.append(word.text)
        after += 2
    group = nodes[after] if after < len(nodes) else None
    if not isinstance(group, Group) or group.bracket != "(":
        return None, index
    if first.kind == "name" and len(words) == 1 and first.text in _KEYWORDS and not group.is_joined:
        return None, index
    return ".".join(words), after


def _is_label(nodes: tuple[Node, ...], index: int) -> bool:
    """Whether a name follows a colon or a sign of label expressions at once, as `Claim` in `n:Claim(id)`."""
    node = nodes[index]
    return index > 0 and isinstance(node, Token) and node.is_joined and is_word(nodes[index - 1], ":", "|", "&", "!")


def _is_clause(node: Node) -> bool:
    """Whether a node is a word in capitals that is none of an expression, a match or a projection."""
    is_capital = isinstance(node, Token) and node.kind == "name" and len(node.text) > 1 and node.text.isupper()
    return is_capital and isinstance(node, Token) and node.text not in _KEYWORDS


def _nests(nodes: tuple[Node, ...], name: str) -> bool:
    """Whether a name stands in a list or a map that an expression makes, not in an index."""
    for index, node in enumerate(nodes):
        if isinstance(node, Group):
            is_made = node.bracket in "[{" and not (index > 0 and node.is_joined)
            if (is_made and _mentions(node.content, name)) or _nests(node.content, name):
                return True
    return False


def _mentions(nodes: tuple[Node, ...], name: str) -> bool:
    return any(_mentions(node.content, name) if isinstance(node, Group) else node.text == name for node in nodes)


def _is_named(nodes: tuple[Node, ...]) -> bool:
    """Whether a sequence ends in `AS name`."""
    return len(nodes) > 2 and is_word(nodes[-2], "AS") and isinstance(nodes[-1], Token)  # noqa: PLR2004 - and what is named


def _name(node: Node) -> str:
    return node.text if isinstance(node, Token) else ""


def _steps(weights: Iterable[Weight]) -> float:
    return sum(weight.steps for weight in weights)


def _largest(weights: Iterable[Weight]) -> Value:
    value = SMALL
    for weight in weights:
        value = value.join(weight.value)
    return value


def _checked(value: Value) -> Value:
    """A list that is made; raises HeavyError if it takes too long to be sent."""
    if value.length * value.element > (MOST_SENT if value.length < COLLECTED else MOST_SENT_COLLECTED):
        raise _too_large()
    return value


def _unknown(name: str) -> HeavyError:
    return HeavyError(
        "the database shows it in a form that cannot be judged",
        kind="EXPRESSION",
        name=name,
        hint="a simpler expression",
    )


def _too_large() -> HeavyError:
    return HeavyError(
        "it may put together a text or a list that fills the database's memory",
        kind="EXPRESSION",
        name="a large value",
        hint="rows instead of a list, or a shorter one, as by list[..100] or left(text, 1000)",
    )


def _too_deep() -> HeavyError:
    return HeavyError(
        f"its value has more than {MOST_DEPTH} levels of lists and maps",
        kind="EXPRESSION",
        name="a nested value",
        hint="columns or rows instead of nested values",
    )


def _heavy_pattern(message: str) -> HeavyError:
    return HeavyError(
        f"{message}; no time limit interrupts it",
        kind="EXPRESSION",
        name="=~",
        hint="CONTAINS, STARTS WITH or ENDS WITH, or a regular expression without repetitions within repetitions",
    )
