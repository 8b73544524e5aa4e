"""
The closed registry of statements: every file of one statement, and every filling of a template, by name.

A file's statement has the name of its file, `reading/search`. A rendered one is named for what it does and the list
of a bundle that it does it to, `upsert/predictions`. Identifiers come from the declarations in `graph.model` alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, LiteralString, NamedTuple

from cypher import Identifiers, list_files, render
from graph.model.relations import EXPOSURE_SIGNS, INFLUENCE_KINDS
from graph.model.subjects import (
    CLAIM,
    CLAIM_LISTS,
    CLAIMS,
    EDGE_LISTS,
    NODE_LISTS,
    REFERENCED_LISTS,
    ROW_LISTS,
    EdgeList,
    NodeList,
    Reference,
    list_of,
    references_of,
)

_TYPES: Final[Identifiers] = {"influence_kinds": INFLUENCE_KINDS, "exposure_signs": EXPOSURE_SIGNS}
"""Identifiers that any file may leave open."""

_KNOWN_PROPERTIES: Final[Mapping[str, str]] = {"reference_classes": "base_rate", "documents": "published_at"}
"""The property that an import reads of those rows that the graph has already, beside their ids."""


class _Filling(NamedTuple):
    """A file, and what is filled into it."""

    file: str
    identifiers: Identifiers = _TYPES
    repeated: Mapping[str, Sequence[Identifiers]] = {}


@cache
def statement(name: str) -> LiteralString:
    """
    The text of a statement.

    Raises:
        FileNotFoundError: No statement has that name.
    """
    filling = _fillings().get(name)
    if filling is None:
        message = f"no statement is called {name!r}"
        raise FileNotFoundError(message)
    return render(*filling)


def list_statements() -> tuple[str, ...]:
    """The names of all statements, in order."""
    return tuple(sorted(_fillings()))


def list_rendered() -> tuple[str, ...]:
    """The names of the statements that are rendered from a template, in order."""
    return tuple(name for name in list_statements() if _fillings()[name].file != name)


@cache
def _fillings() -> Mapping[str, _Filling]:
    found = {name: _Filling(name) for name in list_files()}
    for listed in NODE_LISTS:
        found |= {f"{verb}/{listed.name}": filling for verb, filling in _node_fillings(listed)}
    for edges in EDGE_LISTS:
        found |= {f"{verb}/{edges.name}": filling for verb, filling in _edge_fillings(edges)}
    return found | {"bundles/list_known": _list_known()}


def _node_fillings(listed: NodeList) -> Iterator[tuple[str, _Filling]]:
    names = {"label": listed.label, "space": listed.space, "key": listed.key[0]}
    yield "upsert", _upsert_nodes(listed, names)
    if len(listed.key) == 1:
        walked = listed.label if listed.has_index else listed.space
        yield "export", _Filling("templates/export_nodes", {**names, "walked": walked})
    else:
        yield "export", _Filling("templates/export_versions", {**names, "number": listed.key[1]})
    if related := [_related(reference) for reference in listed.references if reference.relationship is not None]:
        template = "templates/link_nodes_for_good" if listed.keeps_references else "templates/link_nodes"
        yield "link", _Filling(template, names, {"references": related})
    # A claim goes with its milestones; what has an owner goes with that, or is history.
    if listed.is_subject and not listed.is_claim and listed.owner is None:
        yield "delete", _Filling("templates/delete_node", names)
        yield "count_dependents", _count_dependents(listed, names)


def _upsert_nodes(listed: NodeList, names: Identifiers) -> _Filling:
    lists: dict[str, Sequence[Identifiers]] = {
        "moments": [{"moment": name} for name in listed.text_moments],
        "owners": [] if listed.owner is None else [_related(listed.owner)],
    }
    if not listed.has_derived:
        lists["keys"] = [{"key": name} for name in listed.key]
        return _Filling("templates/upsert_nodes", names, lists)
    lists["derived_moments"] = [{"moment": name} for name in listed.derived_moments]
    lists["further_labels"] = [{"label": listed.label}] if listed.is_claim else []
    return _Filling("templates/upsert_nodes_with_derived", names, lists)


def _related(reference: Reference) -> Identifiers:
    """The relationship that stands for a reference of `node`'s, and its `other` end."""
    label, key = _found_by(reference)
    return {
        "property": reference.property,
        "relationship": reference.relationship or (),
        "other": label,
        "other_key": key,
        **_ends(is_outgoing=reference.is_outgoing),
    }


def _found_by(reference: Reference) -> tuple[str, str]:
    """The label and the key that what a reference names is found by."""
    if reference.target == CLAIM:
        return CLAIM, "id"
    target = list_of(reference.target)
    return target.space, target.key[0]


def _ends(*, is_outgoing: bool) -> Identifiers:
    """The start and the end of a relationship of `node`'s."""
    return {"start": "node", "end": "other"} if is_outgoing else {"start": "other", "end": "node"}


def _count_dependents(target: NodeList, names: Identifiers) -> _Filling:
    """Counts relationships to a node by their types, and properties that name it for which none stands."""
    relationships: list[Identifiers] = []
    properties: list[Identifiers] = []
    for edges in EDGE_LISTS:
        for end in edges.references:
            if end.target == target.label:
                ends = _ends(is_outgoing=end == edges.start)
                relationships.append({"types": edges.types, "dependents": edges.name, **ends})
    for listed in NODE_LISTS:
        for reference in references_of(listed):
            if reference.target != target.label:
                continue
            dependents = CLAIMS if reference in _OF_ALL_CLAIMS and listed.is_claim else listed.name
            if reference.relationship is None:
                properties.append({"other": listed.label, "property": reference.property, "dependents": dependents})
                continue
            ends = _ends(is_outgoing=not reference.is_outgoing)
            found = {"types": reference.relationship, "dependents": dependents, **ends}
            if found not in relationships:
                relationships.append(found)
    return _Filling("templates/count_dependents", names, {"relationships": relationships, "properties": properties})


_OF_ALL_CLAIMS: Final = frozenset.intersection(*(frozenset(references_of(ROW_LISTS[name])) for name in CLAIM_LISTS))
"""The references that claims of every kind have."""


def _edge_fillings(listed: EdgeList) -> Iterator[tuple[str, _Filling]]:
    source, source_key = _found_by(listed.start)
    target, target_key = _found_by(listed.end)
    names: dict[str, str | tuple[str, ...]] = {
        "source": source,
        "source_key": source_key,
        "source_property": listed.start.property,
        "target": target,
        "target_key": target_key,
        "target_property": listed.end.property,
        "types": listed.types,
        "page_key": listed.export_key,
        "new_key": listed.new_key,
    }
    types = {"types": [{"type": kind} for kind in listed.types]}
    yield "export", _Filling("templates/export_edges", names, types)
    if listed.type_property is None:
        yield "upsert", _Filling("templates/upsert_edges", names)
        yield "remove", _Filling("templates/remove_edge", names)
        return
    names["type_property"] = listed.type_property
    yield "upsert", _Filling("templates/upsert_edges_of_types", names, types)
    yield "get", _Filling("templates/get_edge", names)
    yield "remove", _Filling("templates/remove_edge_of_types", names)


def _list_known() -> _Filling:
    lists: list[Identifiers] = []
    with_property: list[Identifiers] = []
    for name in REFERENCED_LISTS:
        if name == CLAIMS:  # the file has these
            continue
        listed = ROW_LISTS[name]
        names = {"list": name, "label": listed.row.__name__, "key": listed.key[0]}
        if name in _KNOWN_PROPERTIES:
            with_property.append({**names, "property": _KNOWN_PROPERTIES[name]})
        else:
            lists.append(names)
    return _Filling("bundles/list_known", repeated={"lists": lists, "lists_with_property": with_property})
