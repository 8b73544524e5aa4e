"""
Generates Python code that turns a composed statement's record into a query's answer.

A function is generated for each node, page and link of a selection, from the types of its fields and from where their
values stand in the row. Functions of resolvers that compute a field get a dict with the properties that the field
declares to read, as from the executor.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any, Final, cast

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    get_argument_values,
    is_composite_type,
)
from graphql.execution.values import VariableValues
from strawberry.schema.base import BaseSchema
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from graph.model.page_keys import bounds
from graph.reading.layouts import FollowLayout, NodeLayout
from graph.reading.tree import cursor_text, page_key
from resolvers.base.context import Context
from resolvers.base.defaults import fill_defaults
from resolvers.base.relay import encode_cursor
from resolvers.base.selection import ANSWER, Document, Follows, Gather, Selected, reads_of
from resolvers.compiled.code import Body, Code
from resolvers.compiled.values import ShownEnums, ShownMoments, UnexpectedError, moment, unexpected, walk, whole

_TYPENAME: Final = "__typename"
_NOWHERE: Final[frozenset[str]] = frozenset()
_MOMENTS: Final = ShownMoments()
_MOST_INT: Final = 2**31 - 1


class NotCompilableError(Exception):
    """The selection has a field that generated code has no answer for."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """
    A field that is resolved when the rest of the answer is made, as it may have to wait.

    Attributes:
        answer: The dict that the field's value goes into, under `key`.
        key: The response's key.
        resolve: The field's resolver.
        source: What the field is resolved from.
        arguments: The field's arguments.
        complete: Makes the answer of the resolver's value.
        surroundings: What the resolver may look at of its document.
    """

    answer: dict[str, Any]
    key: str
    resolve: Callable[..., Any]
    source: dict[str, Any]
    arguments: Mapping[str, Any]
    complete: Callable[[Any, list["Deferred"]], Any]
    surroundings: SimpleNamespace

    def call(self, context: Context) -> Any:
        """Resolve the field; the result may have to be awaited."""
        info = SimpleNamespace(path=SimpleNamespace(key=self.key), context=context, **vars(self.surroundings))
        return self.resolve(self.source, info=info, **self.arguments)


@dataclass(frozen=True, slots=True)
class Completion:
    """
    Generated code for one query of a document.

    Attributes:
        complete: Takes what was read and the list of deferred fields, to which it adds; returns the answer.
        reads_more: Whether a deferred field may run statements of its own.
        source: The code, to look at.
    """

    complete: Callable[..., Any]
    reads_more: bool
    source: str = field(repr=False)


class Completer:
    """
    Writes the functions for one query.

    Args:
        schema: The schema.
        document: The document, with the values of the variables that shape the answer.
        variables: All its variables' coerced values.
    """

    def __init__(self, schema: BaseSchema, document: Document, variables: VariableValues) -> None:
        self._schema = cast("Any", schema)
        self._graphql = self._schema._schema
        self._document = document
        self._variables = variables
        self._code = Code(GLOBALS)
        self.reads_more = False
        self._constants: dict[int, tuple[str, object]] = {}

    def complete_node(self, kind: GraphQLOutputType, selected: Selected, layout: NodeLayout) -> Completion:
        """Generate the code for a query of one node: a function of its row and the deferred fields."""
        return self._built(self.node(_nullable(kind), [selected], layout))

    def complete_list(self, kind: GraphQLOutputType, selected: Selected, layout: NodeLayout, order: str) -> Completion:
        """
        Generate the code for a query of a list.

        The function takes the rows of the page, the total, whether there are pages after and before it, the number of
        characters that cursors leave out of a page key, and the deferred fields.
        """
        return self._built(self.list_page(_nullable(kind), [selected], layout, order))

    def complete_value(self, kind: GraphQLOutputType, selected: Selected) -> Completion:
        """Generate the code for a query that has a resolver: a function of its value and the deferred fields."""
        name, body = self._code.name("c"), Body()
        body.add(f"return {self._shown(kind, selected.nodes, 'v', body)}")
        self._code.define(f"{name}(v, later)", body)
        return self._built(name)

    def _built(self, name: str) -> Completion:
        """Compile what has been written; `name` is the function to begin with."""
        return Completion(self._code.build(name), self.reads_more, self._code.source)

    # --- nodes

    def node(self, kind: Any, selected: Sequence[Selected], layout: NodeLayout) -> str:
        """Write a function of a node's row; `kind` is its type or an interface."""
        if isinstance(kind, GraphQLObjectType):
            return self._object(kind, selected, layout)
        made = [self._object(self._graphql.type_map[subject], selected, layout) for subject in layout.subjects]
        if layout.subject_at is None:
            return made[0]
        name, body = self._code.name("n"), Body()
        body.add(f"return ({', '.join(made)})[row[{layout.subject_at}]](row, later)")
        self._code.define(f"{name}(row, later)", body)
        return name

    def _object(self, kind: GraphQLObjectType, selected: Sequence[Selected], layout: NodeLayout) -> str:
        name, body = self._code.name("n"), Body()
        if kind.name not in layout.subjects:
            raise NotCompilableError(kind.name)
        if layout.subject_at is not None:
            body.add(f"if row[{layout.subject_at}] != {layout.subjects.index(kind.name)}: unexpected()")
        body.add(f"p = row[{layout.properties_at}]")
        if layout.moments_at is not None:
            body.add(f"m = row[{layout.moments_at}]")
        self._define_object(
            f"{name}(row, later)",
            kind,
            selected,
            body,
            lambda spec, key, of, deferred: self._field(kind, spec, key, of, layout, body, deferred),
        )
        return name

    def _define_object(
        self,
        head: str,
        kind: GraphQLObjectType,
        selected: Sequence[Selected],
        body: Body,
        write_field: Callable[[StrawberryField, str, Selected, list[str]], str],
    ) -> None:
        """
        Write a function that returns an object, after the lines that its body has.

        Args:
            head: The function's name and parameters.
            kind: The object's type.
            selected: What is selected of it.
            body: The function's lines.
            write_field: Writes the lines that make a field's value, for a response key and the nodes that select it;
                returns the value's expression. It adds the lines that leave a field to the end.
        """
        parts, deferred = [], list[str]()
        specs, subjects = self._specs(kind.name), frozenset({kind.name})
        for key, entry in self._document.collect(selected, subjects).items():
            nodes = entry.of(kind.name)
            if not nodes:
                continue
            name = nodes[0].name.value
            if name == _TYPENAME:
                parts.append(f"{key!r}: {kind.name!r}")
            else:
                of = Selected(nodes, [subjects] * len(nodes))
                parts.append(f"{key!r}: {write_field(specs[name], key, of, deferred)}")
        body.add(f"answer = {{{', '.join(parts)}}}")
        for line in deferred:
            body.add(line)
        body.add("return answer")
        self._code.define(head, body)

    def _field(
        self,
        kind: GraphQLObjectType,
        spec: StrawberryField,
        key: str,
        of: Selected,
        layout: NodeLayout,
        body: Body,
        deferred: list[str],
    ) -> str:
        """Write the lines that make a field's value; returns its expression."""
        out = kind.fields[of.name].type
        if isinstance(spec.metadata.get("follows"), Follows):
            found = layout.follows.get((kind.name, ANSWER + key))
            if found is None:  # its arguments are wrong
                raise NotCompilableError(of.name)
            page = self._page(out, spec.metadata["follows"], of, found, layout)
            total = "None" if found.total_at is None else f"row[{found.total_at}]"
            return f"{page}(row[{found.rows_at}], {total}, row, later)"
        if spec.base_resolver is None:
            is_moment = spec.python_name in layout.moments
            return self._leaf(out, _property(layout, spec.python_name), body, is_text=is_moment)
        resolver = spec.base_resolver
        source = self._source(kind, spec, key, layout)
        arguments = self._arguments(kind, spec, of.nodes[0])
        if resolver.info_parameter is not None:
            deferred.append(self._deferred(spec, out, key, of.nodes, source, arguments))
            return "None"
        if spec.is_async:
            raise NotCompilableError(of.name)
        value = self._code.name("v")
        body.add(f"{value} = {self._call(resolver, source, arguments)}")
        return self._shown(out, of.nodes, value, body)

    def _source(self, kind: GraphQLObjectType, spec: StrawberryField, key: str, layout: NodeLayout) -> str:
        """Compose the dict that a field is resolved from: the properties and rows that it declares, and the subject."""
        reads = dict.fromkeys((*reads_of(spec), layout.id_name))
        parts = [f"{name!r}: {_native(layout, name)}" for name in reads if _has(layout, name)]
        gathers: Sequence[Gather] = spec.metadata.get("gathers", ())
        for gather in gathers:
            place = f"{ANSWER}{key}{ANSWER}{gather.name}"
            if (found := layout.follows.get((kind.name, place))) is not None:
                parts.append(f"{place!r}: {self._gathered(found)}")
        return f"{{{', '.join(parts)}, {_TYPENAME!r}: {kind.name!r}}}"

    def _gathered(self, found: FollowLayout) -> str:
        """Compose the rows that a field computes its answer from."""
        node = found.node
        parts = ", ".join(f"{name!r}: {_native(node, name, 'each')}" for name in (*node.properties, *node.moments))
        if not found.follow.relation.is_many:
            return f"[{{{parts}}} for each in (row[{found.rows_at}],) if each is not None]"
        return f"[{{{parts}}} for each in whole(row[{found.rows_at}], {found.follow.first})]"

    def _arguments(self, kind: GraphQLObjectType, spec: StrawberryField, node: FieldNode) -> dict[str, Any]:
        definition = kind.fields[node.name.value]
        given = fill_defaults(definition.args, get_argument_values(definition, node, self._variables))
        registry = self._schema.schema_converter.scalar_registry
        return convert_arguments(given, spec.arguments, scalar_registry=registry, config=self._schema.config)

    # --- pages, links and walks

    def _page(
        self, kind: GraphQLOutputType, follows: Follows, of: Selected, found: FollowLayout, source: NodeLayout
    ) -> str:
        """Write a function of a relation's rows, their total and the source's row."""
        follow, name, body = found.follow, self._code.name("p"), Body()
        if not follow.relation.is_many:
            node = self.node(_nullable(kind), [of], found.node)
            missing = "unexpected()" if isinstance(kind, GraphQLNonNull) else "None"
            body.add(f"return {missing} if rows is None else {node}(rows, later)")
        elif follow.num_steps:
            self._walk(_nullable(kind), of, found, source, body)
        else:
            if follow.after is not None:
                after = self._constant(page_key(follow.relation.name, follow.after))
                body.add(f"check_cursor(row[{source.properties_at}][0], {after})")
            body.add(f"has_next = len(rows) > {follow.first}")
            body.add(f"if has_next: rows = rows[:{follow.first}]")
            order = cursor_text(follow.relation.name, "")
            links = _Links(found.node, source, follows, found)
            cursor = f"cursor({order!r} + {{}}[{found.key_at}])"
            self._connection(_nullable(kind), [of], links, body, cursor, repr(follow.after is not None))
        self._code.define(f"{name}(rows, total, row, later)", body)
        return name

    def list_page(self, kind: Any, selected: Sequence[Selected], layout: NodeLayout, order: str) -> str:
        """Write a function of a root list's rows, total, neighbouring pages and prefix of page keys."""
        name, body = self._code.name("l"), Body()
        cursor = f"cursor({cursor_text(order, '')!r} + {{}}[0][num_prefix:])"
        self._connection(kind, selected, _Links(layout, layout), body, cursor, "has_previous")
        self._code.define(f"{name}(rows, total, has_next, has_previous, num_prefix, later)", body)
        return name

    def _connection(
        self, kind: Any, selected: Sequence[Selected], links: "_Links", body: Body, cursor: str, has_previous: str
    ) -> None:
        """Write the lines that return a connection; `cursor` is a template, to be filled with a row."""
        parts = []
        for key, entry in self._document.collect(selected, _NOWHERE).items():
            if entry.name == _TYPENAME:
                parts.append(f"{key!r}: {kind.name!r}")
                continue
            out = kind.fields[entry.name].type
            if entry.name == "totalCount":
                shown = self._leaf(out, "total", body, is_text=False)
            elif entry.name == "nodes":
                item = self._item(_item_type(out), [entry], links)
                shown = f"[{item} for each in rows]"
            elif entry.name == "edges":
                edge = _item_type(out)
                shown = f"[{{{', '.join(self._edge(edge, entry, links, cursor))}}} for each in rows]"
            else:
                shown = self._page_info(_nullable(out), entry, cursor, has_previous)
            parts.append(f"{key!r}: {shown}")
        body.add(f"return {{{', '.join(parts)}}}")

    def _edge(self, edge: Any, entry: Selected, links: "_Links", cursor: str) -> list[str]:
        parts = []
        for key, below in self._document.collect([entry], _NOWHERE).items():
            if below.name == "node":
                shown = self._item(_nullable(edge.fields["node"].type), [below], links)
            else:
                shown = cursor.format("each") if below.name == "cursor" else repr(edge.name)
            parts.append(f"{key!r}: {shown}")
        return parts

    def _page_info(self, kind: Any, entry: Selected, cursor: str, has_previous: str) -> str:
        first, last = (f"({cursor.format(row)} if rows else None)" for row in ("rows[0]", "rows[-1]"))
        values = {
            "hasNextPage": "has_next",
            "hasPreviousPage": has_previous,
            "startCursor": first,
            "endCursor": last,
            _TYPENAME: repr(kind.name),
        }
        parts = [f"{key!r}: {values[below.name]}" for key, below in self._document.collect([entry], _NOWHERE).items()]
        return f"{{{', '.join(parts)}}}"

    def _item(self, kind: Any, selected: Sequence[Selected], links: "_Links") -> str:
        """Compose the answer of a row `each`: a node, or a link with a node under one of its fields."""
        if links.follows is None or links.follows.wrap is None:
            return f"{self.node(kind, selected, links.node)}(each, later)"
        return f"{self._link(kind, selected, links)}(each, row, later)"

    def _link(self, kind: Any, selected: Sequence[Selected], links: "_Links") -> str:
        """Write a function of a link's row and the source's row."""
        name, body, parts = self._code.name("w"), Body(), []
        follows, found = cast("Follows", links.follows), cast("FollowLayout", links.found)
        if found.link_at is not None:
            body.add(f"e = each[{found.link_at}]")
        if found.follow.complete is not None:
            self._complete_link(follows, found, links.source, body)
        specs = self._specs(kind.name)
        for key, entry in self._document.collect(selected, _NOWHERE).items():
            if entry.name == _TYPENAME:
                parts.append(f"{key!r}: {kind.name!r}")
                continue
            spec, out = specs[entry.name], kind.fields[entry.name].type
            if spec.python_name == follows.wrap:
                shown = f"{self.node(_nullable(out), [entry], found.node)}(each, later)"
            elif spec.base_resolver is not None:
                raise NotCompilableError(entry.name)
            elif spec.python_name in found.link:
                is_text = spec.python_name in found.link_moments
                shown = self._leaf(out, f"e[{found.link[spec.python_name]}]", body, is_text=is_text)
            else:
                shown = self._leaf(out, f"link[{spec.python_name!r}]", body, is_text=False)
            parts.append(f"{key!r}: {shown}")
        body.add(f"return {{{', '.join(parts)}}}")
        self._code.define(f"{name}(each, row, later)", body)
        return name

    def _complete_link(self, follows: Follows, found: FollowLayout, source: NodeLayout, body: Body) -> None:
        """Write the lines that compute the fields of a link that follow from both its ends, into `link`."""
        own = ", ".join(f"{name!r}: {_native(source, name)}" for name in follows.reads_source)
        other = ", ".join(f"{name!r}: {_native(found.node, name, 'each')}" for name in follows.reads_target)
        read = "".join(f"{name!r}: {_linked(found, name)}, " for name in follows.reads_link)
        body.add(f"link = {{{read}{follows.wrap!r}: {{{other}}}}}")
        body.add(f"{self._constant(found.follow.complete)}({{{own}}}, link)")

    def _walk(self, kind: Any, of: Selected, found: FollowLayout, source: NodeLayout, body: Body) -> None:
        """Write the lines that return the claims that a walk has reached."""
        follow, parts = found.follow, []
        start = f"row[{source.properties_at}][0]"
        place = self._constant(found)
        body.add(f"reached, is_leaf, is_cut = walk(rows, {follow.first}, {start}, {follow.num_steps}, {place})")
        for key, entry in self._document.collect([of], _NOWHERE).items():
            if entry.name == "reached":
                shown = self._reached(_item_type(kind.fields["reached"].type), entry, found)
            else:
                shown = {"isLeaf": "is_leaf", "isTruncated": "is_cut", _TYPENAME: repr(kind.name)}[entry.name]
            parts.append(f"{key!r}: {shown}")
        body.add(f"return {{{', '.join(parts)}}}")

    def _reached(self, kind: Any, entry: Selected, found: FollowLayout) -> str:
        parts = []
        for key, below in self._document.collect([entry], _NOWHERE).items():
            if below.name == "claim":
                shown = f"{self.node(_nullable(kind.fields['claim'].type), [below], found.node)}(each, later)"
            else:
                shown = {"depth": "depth", "lagDays": "lag", "viaKey": "via", _TYPENAME: repr(kind.name)}[below.name]
            parts.append(f"{key!r}: {shown}")
        return f"[{{{', '.join(parts)}}} for depth, lag, via, each in reached]"

    # --- values

    def _shown(
        self, kind: GraphQLOutputType, nodes: Sequence[FieldNode], value: str, body: Body, depth: int = 1
    ) -> str:
        """Write the lines that complete a resolver's value, in the variable `value`; returns its expression."""
        inner = _nullable(kind)
        if isinstance(inner, GraphQLList):
            return self._shown_list(kind, inner, nodes, value, body, depth)
        if is_composite_type(inner):
            self._check_null(kind, value, body, depth)
            shown = f"{self._value(inner, nodes)}({value}, later)"
            return shown if isinstance(kind, GraphQLNonNull) else f"None if {value} is None else {shown}"
        return self._leaf(kind, value, body, is_text=False, depth=depth)

    def _shown_list(
        self, kind: GraphQLOutputType, inner: Any, nodes: Sequence[FieldNode], value: str, body: Body, depth: int
    ) -> str:
        item, out = self._code.name("v"), self._code.name("v")
        self._check_null(kind, value, body, depth)
        body.add(f"{out} = None", depth)
        body.add(f"if {value} is not None:", depth)
        body.add(f"{out} = []", depth + 1)
        body.add(f"for {item} in {value}:", depth + 1)
        shown = self._shown(inner.of_type, nodes, item, body, depth + 2)
        body.add(f"{out}.append({shown})", depth + 2)
        return out

    def _value(self, kind: Any, nodes: Sequence[FieldNode]) -> str:
        """Write a function of a dict in the response's shape, whose subject or type is under `__typename`."""
        if isinstance(kind, GraphQLObjectType):
            return self._value_object(kind, nodes)
        name, body = self._code.name("t"), Body()
        possible = {found.name: self._value_object(found, nodes) for found in self._graphql.get_possible_types(kind)}
        table = ", ".join(f"{found!r}: {function}" for found, function in possible.items())
        body.add(f"return {name}_of[value['{_TYPENAME}']](value, later)")
        self._code.define(f"{name}(value, later)", body)
        self._code.assign(f"{name}_of", f"{{{table}}}")
        return name

    def _value_object(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode]) -> str:
        name, body = self._code.name("o"), Body()
        self._define_object(
            f"{name}(value, later)",
            kind,
            [Selected(list(nodes), [frozenset({kind.name})] * len(nodes))],
            body,
            lambda spec, key, of, deferred: self._value_field(kind, spec, key, of.nodes, body, deferred),
        )
        return name

    def _value_field(
        self,
        kind: GraphQLObjectType,
        spec: StrawberryField,
        key: str,
        nodes: Sequence[FieldNode],
        body: Body,
        deferred: list[str],
    ) -> str:
        """Write the lines that make a field's value from the dict in the variable `value`; returns its expression."""
        out = kind.fields[nodes[0].name.value].type
        resolver, found = spec.base_resolver, self._code.name("v")
        follows = spec.metadata.get("follows")
        is_read = isinstance(follows, Follows) and not follows.is_walk
        if resolver is None or is_read:
            place = ANSWER + key if is_read else spec.python_name
            body.add(f"{found} = value[{place!r}]")
            return self._shown(out, nodes, found, body)
        arguments = self._arguments(kind, spec, nodes[0])
        if resolver.info_parameter is None:
            if spec.is_async:
                raise NotCompilableError(spec.python_name)
            body.add(f"{found} = {self._call(resolver, 'value', arguments)}")
            return self._shown(out, nodes, found, body)
        deferred.append(self._deferred(spec, out, key, nodes, "value", arguments))
        return "None"

    def _call(self, resolver: StrawberryResolver[Any], source: str, arguments: Mapping[str, Any]) -> str:
        given = f", **{self._constant(arguments)}" if arguments else ""
        return f"{self._constant(resolver.wrapped_func)}({source}{given})"

    def _deferred(
        self,
        spec: StrawberryField,
        out: GraphQLOutputType,
        key: str,
        nodes: Sequence[FieldNode],
        source: str,
        arguments: Mapping[str, Any],
    ) -> str:
        """Compose the line that leaves a field, whose resolver takes the context, to the end."""
        resolver = spec.base_resolver
        if resolver is None or resolver.info_parameter is None or resolver.info_parameter.name != "info":
            raise NotCompilableError(spec.python_name)
        may_read = spec.metadata.get("reads_more")
        self.reads_more |= spec.is_async or (may_read is not None and may_read(arguments))
        complete, body = self._code.name("c"), Body()
        body.add(f"return {self._shown(out, nodes, 'v', body)}")
        self._code.define(f"{complete}(v, later)", body)
        resolve, given = self._constant(resolver.wrapped_func), self._constant(arguments)
        around = self._constant(self._document.surroundings(nodes))
        return f"later.append(Deferred(answer, {key!r}, {resolve}, {source}, {given}, {complete}, {around}))"

    def _check_null(self, kind: GraphQLOutputType, value: str, body: Body, depth: int) -> None:
        if isinstance(kind, GraphQLNonNull):
            body.add(f"if {value} is None: unexpected()", depth)

    def _leaf(self, kind: GraphQLOutputType, expression: str, body: Body, *, is_text: bool, depth: int = 1) -> str:
        """
        Write the lines that check a leaf's value and show it; returns the variable that holds it.

        Args:
            kind: The leaf's type.
            expression: The value.
            body: The function's lines.
            is_text: Whether moments and days are the database's texts.
            depth: The lines' indentation.
        """
        value, inner = self._code.name("v"), cast("Any", _nullable(kind))
        body.add(f"{value} = {expression}", depth)
        self._check_null(kind, value, body, depth)
        given = "" if isinstance(kind, GraphQLNonNull) else f"{value} is not None and "
        if inner.name in {"String", "ID", "URL"}:
            body.add(f"if {given}type({value}) is not str: unexpected()", depth)
        elif inner.name == "Boolean":
            body.add(f"if {given}type({value}) is not bool: unexpected()", depth)
        elif inner.name == "Int":
            within = f"-{_MOST_INT + 1} <= {value} <= {_MOST_INT}"
            body.add(f"if {given}(type({value}) is not int or not {within}): unexpected()", depth)
        elif inner.name in {"Float", "Probability"}:
            # Infinity and NaN are the floats whose difference from themselves is not 0.
            body.add(f"if {given}(type({value}) is not float or {value} - {value} != 0.0):", depth)
            body.add(f"if type({value}) is not int: unexpected()", depth + 1)
            body.add(f"{value} = float({value})", depth + 1)
        elif isinstance(inner, GraphQLEnumType):
            body.add(f"{value} = {self._constant(_shown_enum(inner))}[{value}]", depth)
        elif is_text and inner.name == "DateTime":
            body.add(f"if {value} is not None: {value} = moments[{value}]", depth)
        elif is_text and inner.name == "Date":
            body.add(f"if {given}len({value}) != 10: unexpected()", depth)
        elif inner.name != "JSON":
            body.add(f"if {value} is not None: {value} = {self._constant(inner.coerce_output_value)}({value})", depth)
        return value

    # --- parts

    def _specs(self, kind: str) -> Mapping[str, StrawberryField]:
        return self._document.fields_of(kind)

    def _constant(self, value: object) -> str:
        """The name of a value, the same for the same object."""
        found = self._constants.get(id(value))
        if found is None:
            found = self._constants[id(value)] = (self._code.constant(value), value)
        return found[0]


@dataclass(frozen=True, slots=True)
class _Links:
    """
    Kind of the rows of a connection: nodes, or links with a node each.

    Attributes:
        node: The layout of the node in a row.
        source: The layout of the node that the rows start from; of a root list, its nodes' own.
        follows: The relation as the field declares it; None of a root list.
        found: The places of the relation's rows; None of a root list.
    """

    node: NodeLayout
    source: NodeLayout
    follows: Follows | None = None
    found: FollowLayout | None = None


@cache
def _shown_enum(kind: GraphQLEnumType) -> ShownEnums:
    return ShownEnums(kind.coerce_output_value)


def _check_cursor(source_id: str, key: str) -> None:
    low, high = bounds(source_id)
    if not low < key < high:
        raise UnexpectedError


def _nullable(kind: Any) -> Any:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def _item_type(kind: Any) -> Any:
    return _nullable(_nullable(kind).of_type)


def _has(layout: NodeLayout, name: str) -> bool:
    return name in layout.properties or name in layout.moments


def _property(layout: NodeLayout, name: str) -> str:
    """The expression of a property in a function with `p` and `m`."""
    return f"m[{layout.moments[name]}]" if name in layout.moments else f"p[{layout.properties[name]}]"


def _linked(found: FollowLayout, name: str) -> str:
    """Compose the value of a relationship's property."""
    value = f"e[{found.link[name]}]"
    return f"moment({value})" if name in found.link_moments else value


def _native(layout: NodeLayout, name: str, row: str = "row") -> str:
    """The expression of a property as Python has it, from a row."""
    if name in layout.moments:
        return f"moment({row}[{layout.moments_at}][{layout.moments[name]}])"
    return f"{row}[{layout.properties_at}][{layout.properties[name]}]"


GLOBALS: Final[Mapping[str, Any]] = {
    "Deferred": Deferred,
    "check_cursor": _check_cursor,
    "cursor": encode_cursor,
    "moment": moment,
    "moments": _MOMENTS,
    "unexpected": unexpected,
    "walk": walk,
    "whole": whole,
}
"""What generated code may name besides its own functions and constants."""
