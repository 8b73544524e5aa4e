"""Random documents over the readable part of the schema, for comparing two ways to answer them."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
    is_required_argument,
)

MOMENTS: Final = tuple(f"2026-0{month}-02T12:00:00Z" for month in range(1, 7))


class Documents:
    """
    Makes random documents.

    Args:
        schema: The schema.
        ids: Ids to begin from, by query of one node.
        random: The source of randomness.
    """

    def __init__(self, schema: GraphQLSchema, ids: Mapping[str, Sequence[str]], random: Random) -> None:
        self._schema = schema
        self._ids = ids
        self._random = random
        self._variables: dict[str, tuple[str, Any]] = {}

    def document(self, levels: int) -> tuple[str, dict[str, Any]]:
        """Make a document with selections of so many levels, and its variables."""
        self._variables = {}
        queries = " ".join(f"q{number}: {self._query(levels)}" for number in range(self._random.choice((1, 1, 1, 2))))
        variables = {name: value for name, (_, value) in self._variables.items()}
        declared = ", ".join(f"${name}: {kind}" for name, (kind, _) in self._variables.items())
        return f"query Q{f'({declared})' if declared else ''} {{ {queries} }}", variables

    def _query(self, levels: int) -> str:
        fields = self._schema.query_type.fields if self._schema.query_type else {}
        if self._random.random() < 0.2:
            return f"predictions({self._page_of_predictions()}) {self._connection(fields['predictions'], levels)}"
        if self._random.random() < 0.1:
            name = self._random.choice(
                [
                    name
                    for name in sorted(fields)
                    if {"sort", "before"} <= set(fields[name].args)
                    and not any(is_required_argument(argument) for argument in fields[name].args.values())
                ]
            )
            return f"{name}({self._page_of_list(fields[name])}) {self._connection(fields[name], levels)}"
        name = self._random.choice(sorted(self._ids))
        given = self._value("ID!", self._random.choice(self._ids[name]))
        return f"{name}(id: {given}) {self._selection(get_named_type(fields[name].type), levels)}"

    def _page_of_list(self, field: GraphQLField) -> str:
        page = f"{self._random.choice(('first', 'last'))}: {self._value('Int', self._random.randint(1, 3))}"
        sort: Any = get_named_type(field.args["sort"].type)
        by = self._random.choice(sorted(get_named_type(sort.fields["by"].type).values))
        order = self._random.choice(("ASCENDING", "DESCENDING"))
        return page + self._random.choice(("", f", sort: {{by: {by}}}", f", sort: [{{by: {by}, order: {order}}}]"))

    def _page_of_predictions(self) -> str:
        page = f"{self._random.choice(('first', 'last'))}: {self._value('Int', self._random.randint(1, 8))}"
        order = ("", ", sort: {by: POSTERIOR}", ", sort: {by: DEADLINE, order: DESCENDING}")
        conditions = ("", ", filter: {status: [OPEN]}", ', filter: {domain: "chips", probabilityFrom: 0.2}')
        return page + self._random.choice(order) + self._random.choice(conditions)

    def _value(self, kind: str, value: Any) -> str:
        """Make a literal or a variable of a value."""
        if self._random.random() < 0.3:
            name = f"v{len(self._variables)}"
            self._variables[name] = (kind, value)
            return f"${name}"
        return f'"{value}"' if isinstance(value, str) else str(value).lower()

    def _selection(self, kind: Any, levels: int) -> str:
        parts: dict[str, str] = {}
        for name, field in self._chosen(kind, levels):
            key = name if self._random.random() < 0.8 else f"a{self._random.randint(0, 999)}"
            alias = "" if key == name else f"{key}: "
            parts[key] = (
                f"{alias}{name}{self._directive()}" if _is_leaf(field) else alias + self._below(name, field, levels - 1)
            )
        if self._random.random() < 0.2 or not parts:
            parts["__typename"] = "__typename"
        texts = list(parts.values())
        if isinstance(kind, GraphQLInterfaceType) and self._random.random() < 0.7:
            possible = self._schema.get_possible_types(kind)
            chosen = self._random.sample(possible, min(2, len(possible)))
            texts += [f"... on {narrowed.name} {self._under_own_keys(narrowed, levels - 1)}" for narrowed in chosen]
        return f"{{ {' '.join(texts)} }}"

    def _under_own_keys(self, kind: Any, levels: int) -> str:
        """Make the selection of a fragment, under keys that no other fragment has."""
        parts = []
        for name, field in self._chosen(kind, levels):
            key = f"{kind.name.lower()}{self._random.randint(0, 99999)}"
            parts.append(f"{key}: {name}" if _is_leaf(field) else f"{key}: {self._below(name, field, levels - 1)}")
        return f"{{ {' '.join(parts) or '__typename'} }}"

    def _chosen(self, kind: Any, levels: int) -> list[tuple[str, GraphQLField]]:
        fields = kind.fields
        leaves = [name for name, field in fields.items() if _is_leaf(field)]
        others = [name for name, field in fields.items() if not _is_leaf(field)] if levels > 0 else []
        chosen = self._random.sample(leaves, min(len(leaves), self._random.randint(1, 5)))
        chosen += self._random.sample(others, min(len(others), self._random.choice((1, 1, 2, 2, 3))))
        return [(name, fields[name]) for name in chosen]

    def _below(self, name: str, field: GraphQLField, levels: int) -> str:
        given = self._arguments(field, levels)
        below = self._connection if get_named_type(field.type).name.endswith("Connection") else self._fields_of
        return f"{name}{given}{self._directive()} {below(field, levels)}"

    def _fields_of(self, field: GraphQLField, levels: int) -> str:
        return self._selection(get_named_type(field.type), levels)

    def _connection(self, field: GraphQLField, levels: int) -> str:
        kind: Any = get_named_type(field.type)
        node = get_named_type(kind.fields["nodes"].type)
        parts = [f"nodes {self._selection(node, levels)}"]
        if self._random.random() < 0.3:
            parts.append("totalCount")
        if self._random.random() < 0.3:
            parts.append("pageInfo { hasNextPage hasPreviousPage startCursor endCursor }")
        if self._random.random() < 0.2:
            parts.append(f"edges {{ cursor node {self._selection(node, 0)} }}")
        return f"{{ {' '.join(parts)} }}"

    def _arguments(self, field: GraphQLField, levels: int) -> str:
        given = []
        for name, argument in field.args.items():
            kind: Any = get_named_type(argument.type)
            if name == "first":
                given.append(f"first: {self._value('Int!', self._random.choice((1, 2, 3, 5)))}")
            elif name in {"kinds", "signs"} and self._random.random() < 0.4:
                chosen = self._random.sample(list(kind.values), self._random.randint(1, len(kind.values)))
                given.append(f"{name}: [{', '.join(chosen)}]")
            elif name == "includeEvent" and self._random.random() < 0.5:
                given.append("includeEvent: true")
            elif name == "depth" and self._random.random() < 0.5:
                given.append(f"depth: {self._random.randint(1, 3)}")
            elif name == "maxPoints":
                given.append("maxPoints: 10")
            elif name in {"to", "asOf"} and self._random.random() < 0.5:
                given.append(f"{name}: {self._value('DateTime', self._random.choice(MOMENTS))}")
            elif name == "from" and self._random.random() < 0.5:
                given.append('from: "2025-06-01T00:00:00Z"')
        return f"({', '.join(given)})" if given else ""

    def _directive(self) -> str:
        if self._random.random() > 0.05:
            return ""
        return (
            f" @{self._random.choice(('skip', 'include'))}(if: {self._value('Boolean!', self._random.random() < 0.5)})"
        )


def _is_leaf(field: GraphQLField) -> bool:
    return isinstance(get_named_type(field.type), GraphQLScalarType | GraphQLEnumType)
