"""
Derives from the selections of a document which nodes and properties to read.

A type's fields declare what they need: `reads` names properties (a plain attribute reads the property of its own
name), `follows` a relation. A field that is not selected is not read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace
from typing import Any, Self, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionNode,
    Undefined,
    get_named_type,
    is_abstract_type,
    is_object_type,
    value_from_ast_untyped,
)
from strawberry.schema.base import BaseSchema
from strawberry.types import Info
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from graph.errors import InvalidError
from graph.model.relations import Relation
from graph.model.subjects import SUBJECTS
from graph.reading.tree import Follow, Node, NodePlan
from resolvers.base.relay import decode_cursor, page_size

MAX_CASCADE_DEPTH = 4
ANSWER = "/"  # prefix of the response's keys in a node's dict, which keeps them apart from its properties


@dataclass(frozen=True, slots=True)
class Follows:
    """
    Relation that a field follows.

    Attributes:
        relation: The relation.
        arguments: Translates the field's arguments to the relation's.
        wrap: The link type's field that holds the node at the other end.
        reads_source: Properties of the node itself that `complete` needs.
        reads_target: Properties of the nodes found that `complete` needs.
        reads_link: Properties of the relationship that `complete` needs.
        complete: Adds to a link the fields that follow from both its ends.
        is_walk: Whether the field follows the relation repeatedly.
        is_left: Whether the field's arguments leave the rows to its resolver.
    """

    relation: Relation
    arguments: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _: {}
    wrap: str | None = None
    reads_source: tuple[str, ...] = ()
    reads_target: tuple[str, ...] = ()
    reads_link: tuple[str, ...] = ()
    complete: Callable[[Node, Node], None] | None = None
    is_walk: bool = False
    is_left: Callable[[Mapping[str, Any]], bool] = lambda _: False


@dataclass(frozen=True, slots=True)
class Gather:
    """
    Rows that a field computes its answer from, without showing them.

    Attributes:
        name: Name under which the field finds them.
        relation: The relation to follow.
        reads: Properties of the nodes found.
        most: Largest number of rows to read.
        arguments: Translates the field's arguments to the relation's.
        when: Whether the field's arguments require the rows at all.
    """

    name: str
    relation: Relation
    reads: tuple[str, ...]
    most: int = 1
    arguments: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _: {}
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True


@dataclass(slots=True)
class Selected:
    """One key of a response: the nodes of the document that select it, and for which subjects each does."""

    nodes: list[FieldNode] = field(default_factory=list)
    subjects: list[frozenset[str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The field's name in the schema."""
        return self.nodes[0].name.value

    def of(self, subject: str) -> list[FieldNode]:
        """The nodes that select the key for one subject."""
        return [node for node, subjects in zip(self.nodes, self.subjects, strict=True) if subject in subjects]


def answer(source: Any, info: Info[Any, Any]) -> Any:
    """
    The rows or node that the plan has read for a field.

    Raises:
        InvalidError: An argument of the field is wrong, for which nothing was read.
    """
    key = ANSWER + str(info.path.key)
    if key not in source:
        Document.of(info).follow_of(source["__typename"], _raw(info).field_nodes)
    found = source[key]
    if isinstance(found, InvalidError):
        raise found
    return found


def gathered(source: Any, info: Info[Any, Any], name: str) -> list[Node]:
    """The rows that a field's `Gather` of some name has read, none where they were not needed."""
    found = source.get(f"{ANSWER}{info.path.key}{ANSWER}{name}")
    if found is None:
        return []
    if isinstance(found, list):
        return found
    return [edge["node"] for edge in found["edges"]] if "edges" in found else [found]


def follow_of(source: Any, info: Info[Any, Any]) -> Follow:
    """
    The relation that a field follows, for a field that reads its rows itself.

    Raises:
        InvalidError: An argument of the field is wrong.
    """
    return Document.of(info).follow_of(source["__typename"], _raw(info).field_nodes)


def plan_of(info: Info[Any, Any], *path: str) -> NodePlan:
    """
    The plan of the nodes that a field returns.

    Args:
        info: The field.
        *path: Fields between the field and its nodes, such as `nodes` of a neighbourhood.
    """
    document = Document.of(info)
    raw = _raw(info)
    selected = [Selected(nodes=list(raw.field_nodes))]
    for name in path:
        selected = document.below(selected, name)
    return document.subjects_plan(selected)


def selected_plan(info: Info[Any, Any], *path: str) -> NodePlan | None:
    """The same as `plan_of`; None if nothing of the nodes is selected."""
    document = Document.of(info)
    selected = [Selected(nodes=list(_raw(info).field_nodes))]
    for name in path:
        selected = document.below(selected, name)
    return document.subjects_plan(selected) if selected else None


def item_plan(info: Info[Any, Any], name: str) -> NodePlan | None:
    """The plan of the nodes in a field of the items of the connection that a field returns; None if unselected."""
    document = Document.of(info)
    selected = [Selected(nodes=list(_raw(info).field_nodes))]
    items = [*document.below(document.below(selected, "edges"), "node"), *document.below(selected, "nodes")]
    below = document.below(items, name)
    return document.subjects_plan(below) if below else None


def selects(info: Info[Any, Any], *path: str) -> bool:
    """Whether a field's selection has the field at a path below it."""
    document = Document.of(info)
    selected = [Selected(nodes=list(_raw(info).field_nodes))]
    for name in path:
        selected = document.below(selected, name)
    return bool(selected)


def connection_plan(info: Info[Any, Any]) -> tuple[NodePlan, bool]:
    """The plan of the nodes of the connection that a field returns, and whether their number is requested."""
    document = Document.of(info)
    return document.connection_plan([Selected(nodes=list(_raw(info).field_nodes))])


def wants_total(info: Info[Any, Any]) -> bool:
    """Whether the number of all items of the connection that a field returns is requested."""
    return bool(Document.of(info).below([Selected(nodes=list(_raw(info).field_nodes))], "totalCount"))


def _raw(info: Info[Any, Any]) -> GraphQLResolveInfo[Any]:
    return info._raw_info


class Document:
    """
    A document under execution, as far as reading has to look into it.

    Args:
        schema: The schema.
        fragments: The document's fragments by name.
        variables: The coerced values of its variables.
    """

    def __init__(
        self, schema: BaseSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: dict[str, Any]
    ) -> None:
        self._schema = schema
        self._graphql = cast("Any", schema)._schema
        self._fragments = fragments
        self._variables = variables

    @classmethod
    def of(cls, info: Info[Any, Any]) -> Self:
        """The document that a field belongs to."""
        return cls(info.schema, cast("Any", _raw(info).fragments), info.variable_values)

    def surroundings(self, nodes: Sequence[FieldNode]) -> SimpleNamespace:
        """The part of a field's `info` that tells of its document: schema, variables, fragments and its own nodes."""
        raw = SimpleNamespace(fragments=self._fragments, field_nodes=list(nodes))
        return SimpleNamespace(schema=self._schema, variable_values=self._variables, _raw_info=raw)

    def below(self, selected: Sequence[Selected], name: str) -> list[Selected]:
        """The selections of one field under others, under whatever keys."""
        collected = self.collect(selected, frozenset())
        return [found for found in collected.values() if found.name == name]

    def collect(self, selected: Sequence[Selected], subjects: frozenset[str]) -> dict[str, Selected]:
        """The fields under some selections by response key, each with the subjects that it is selected for."""
        collected: dict[str, Selected] = {}
        for entry in selected:
            for node in entry.nodes:
                selections = node.selection_set.selections if node.selection_set else ()
                self._collect_into(collected, selections, subjects)
        return collected

    def connection_plan(self, selected: Sequence[Selected]) -> tuple[NodePlan, bool]:
        """The plan of a connection's nodes, and whether their number is requested."""
        edges = self.below(selected, "edges")
        nodes = [*self.below(edges, "node"), *self.below(selected, "nodes")]
        return self.subjects_plan(nodes), bool(self.below(selected, "totalCount"))

    def subjects_plan(self, selected: Sequence[Selected]) -> NodePlan:
        """The plan of nodes of any subject."""
        return self.node_plan(selected, frozenset(SUBJECTS))

    def node_plan(self, selected: Sequence[Selected], subjects: frozenset[str]) -> NodePlan:
        """The plan of nodes of some subjects."""
        properties: dict[str, None] = {"id": None, "symbol": None}
        follows: list[Follow] = []
        for key, entry in self.collect(selected, subjects).items():
            for spec, part, of in self._specs(entry):
                followed = spec.metadata.get("follows")
                if isinstance(followed, Follows):
                    if followed.is_left(self._arguments(part.nodes[0], of)):
                        properties.update(dict.fromkeys(followed.reads_source))
                        continue
                    try:
                        follow = self._follow(key, part, followed, of)
                    except InvalidError:  # which the field raises when its turn comes, so that its path is told
                        continue
                    properties.update(dict.fromkeys(followed.reads_source if follow.complete else ()))
                    follows.append(follow)
                else:
                    properties.update(dict.fromkeys(reads_of(spec)))
                    follows += self._gathers(key, part, spec.metadata.get("gathers", ()), of)
        return NodePlan(properties=tuple(properties), follows=tuple(follows))

    def follow_of(self, kind: str, nodes: Sequence[FieldNode]) -> Follow:
        """
        The relation that a field of a type follows.

        Raises:
            InvalidError: An argument is wrong.
        """
        of = frozenset({kind})
        followed = self.fields_of(kind)[nodes[0].name.value].metadata["follows"]
        return self._follow("", Selected(list(nodes), [of] * len(nodes)), followed, of)

    def _follow(self, key: str, entry: Selected, followed: Follows, of: frozenset[str]) -> Follow:
        arguments = self._arguments(entry.nodes[0], of)
        after = arguments.get("after")
        follow = Follow(
            key=ANSWER + key,
            relation=followed.relation,
            node=NodePlan(),
            subjects=of,
            first=page_size(arguments.get("first")) if followed.relation.is_many else 1,
            after=None if after is None else decode_cursor(after, path="after"),
            arguments=followed.arguments(arguments),
            num_steps=_depth(arguments.get("depth", 1)) if followed.is_walk else 0,
        )
        if followed.is_walk:
            claims = self.below(self.below([entry], "reached"), "claim")
            return replace(follow, node=self.subjects_plan(claims), link=("lag_days",))
        if not followed.relation.is_many:
            return replace(follow, node=self.subjects_plan([entry]))
        edges = self.below([entry], "edges")
        items = [*self.below(edges, "node"), *self.below([entry], "nodes")]
        follow = replace(
            follow,
            wants_total=bool(self.below([entry], "totalCount")),
            wants_cursor=bool(self.below(edges, "cursor") or self.below([entry], "pageInfo")),
        )
        if followed.wrap is None:
            return replace(follow, node=self.subjects_plan(items))
        return self._follow_links(follow, followed, followed.wrap, items, self._item_type(entry.name, of))

    def _item_type(self, name: str, subjects: frozenset[str]) -> str:
        """The type of the items in a field that is a connection, of some subjects that share it."""
        connection = get_named_type(self._graphql.type_map[next(iter(subjects))].fields[name].type)
        return str(get_named_type(connection.fields["nodes"].type).name)

    def _follow_links(
        self, follow: Follow, followed: Follows, wrap: str, links: Sequence[Selected], kind: str
    ) -> Follow:
        """Add to a relation what is read of its relationships, of type `kind`, and of the nodes under `wrap`."""
        plan = self.subjects_plan(self.below(links, wrap))
        asked = {
            spec.python_name
            for found in self.collect(links, frozenset()).values()
            if (spec := self.fields_of(kind).get(found.name)) is not None
        }
        is_derived = followed.complete is not None and bool(asked - {wrap, *followed.relation.properties})
        if is_derived:
            asked.update(followed.reads_link)
            plan = replace(plan, properties=tuple(dict.fromkeys((*plan.properties, *followed.reads_target))))
        return replace(
            follow,
            node=plan,
            link=tuple(name for name in followed.relation.properties if name in asked),
            wrap=wrap,
            complete=followed.complete if is_derived else None,
        )

    def _gathers(self, key: str, entry: Selected, gathers: Sequence[Gather], of: frozenset[str]) -> Iterator[Follow]:
        if not gathers:
            return
        arguments = self._arguments(entry.nodes[0], of)
        for gather in gathers:
            if gather.when(arguments):
                yield Follow(
                    key=f"{ANSWER}{key}{ANSWER}{gather.name}",
                    relation=gather.relation,
                    node=NodePlan(properties=("id", *gather.reads)),
                    subjects=of,
                    first=gather.most,
                    arguments=gather.arguments(arguments),
                )

    def _specs(self, entry: Selected) -> Iterator[tuple[StrawberryField, Selected, frozenset[str]]]:
        """The fields that a selected key names, one for all subjects that select the same field by the same nodes."""
        groups: dict[tuple[object, ...], tuple[StrawberryField, list[FieldNode], set[str]]] = {}
        for subject in sorted(frozenset().union(*entry.subjects)):
            nodes = entry.of(subject)
            spec = self.fields_of(subject).get(nodes[0].name.value)
            if spec is not None:
                relation = id(spec.metadata.get("follows") or spec.metadata.get("gathers"))
                place = (relation, reads_of(spec), *map(id, nodes))
                groups.setdefault(place, (spec, nodes, set()))[2].add(subject)
        for spec, nodes, subjects in groups.values():
            of = frozenset(subjects)
            yield spec, Selected(nodes=nodes, subjects=[of] * len(nodes)), of

    def fields_of(self, kind: str) -> Mapping[str, StrawberryField]:
        """The fields of an object type, by their names in the schema; none of a type that is not ours."""
        definition = self._schema.get_type_by_name(kind)
        if not isinstance(definition, StrawberryObjectDefinition):
            return {}
        return _fields_by_name(definition, self._schema.config.name_converter.get_graphql_name)

    def _arguments(self, node: FieldNode, subjects: frozenset[str]) -> dict[str, Any]:
        """A field's arguments by their Python names, defaults filled in, enums by name."""
        subject = next(iter(subjects))
        definition = cast("Any", self._graphql.type_map[subject]).fields[node.name.value]
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        values: dict[str, Any] = {}
        for name, argument in definition.args.items():
            python_name = argument.out_name or snake_case(name)
            # A variable that was not sent counts as an omitted argument.
            value = value_from_ast_untyped(given[name], self._variables) if name in given else Undefined
            if value is None or value is Undefined:
                value = None if argument.default_value is Undefined else argument.default_value
            values[python_name] = _plain(value)
        return values

    def _collect_into(
        self, collected: dict[str, Selected], selections: Sequence[SelectionNode], subjects: frozenset[str]
    ) -> None:
        for selection in selections:
            if not self._is_included(selection):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                entry = collected.setdefault(key, Selected())
                entry.nodes.append(selection)
                entry.subjects.append(subjects)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition.name.value if selection.type_condition else None
                narrowed = self._narrow(subjects, condition)
                self._collect_into(collected, selection.selection_set.selections, narrowed)
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments[selection.name.value]
                narrowed = self._narrow(subjects, fragment.type_condition.name.value)
                self._collect_into(collected, fragment.selection_set.selections, narrowed)

    def _narrow(self, subjects: frozenset[str], condition: str | None) -> frozenset[str]:
        kind = self._graphql.type_map.get(condition) if condition else None
        if is_object_type(kind):
            return subjects & {kind.name}
        if is_abstract_type(kind):
            return subjects & {possible.name for possible in self._graphql.get_possible_types(kind)}
        return subjects

    def _is_included(self, selection: SelectionNode) -> bool:
        for directive in selection.directives or ():
            if directive.name.value in {"skip", "include"}:
                given = {argument.name.value: argument.value for argument in directive.arguments or ()}
                holds = bool(value_from_ast_untyped(given["if"], self._variables))
                if holds == (directive.name.value == "skip"):
                    return False
        return True


def _depth(depth: int) -> int:
    if not 1 <= depth <= MAX_CASCADE_DEPTH:
        message = f"expected a number from 1 to {MAX_CASCADE_DEPTH}, got {depth}"
        raise InvalidError(message, path="depth")
    return depth


def reads_more(when: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """The metadata of a field that may run statements of its own if its arguments, by their Python names, say so."""
    return {"reads_more": when}


def reads_of(spec: StrawberryField) -> tuple[str, ...]:
    """The properties that a field reads of its node."""
    if "follows" in spec.metadata:
        return ()
    return cast("tuple[str, ...]", spec.metadata.get("reads", (spec.python_name,)))


def _plain(value: Any) -> Any:
    """Enums as their names, inside lists too."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return getattr(value, "name", value)


def snake_case(name: str) -> str:
    """An argument's name in the schema as Python's."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@cache
def _fields_by_name(
    definition: StrawberryObjectDefinition, graphql_name: Callable[[StrawberryField], str]
) -> Mapping[str, StrawberryField]:
    return {graphql_name(found): found for found in definition.fields}
