"""
The closed registry of statements by name: files with one statement each, and rendered templates.

A file's statement has the name of its file, such as `reading/search`. A rendered one is named by its operation and the
list of a bundle that it applies to, such as `upsert/predictions`. Identifiers come from the declarations in
`graph.model` alone.
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
from graph.model.versions import CLAIM_VERSIONS, GRAPH_VERSIONS, VERSIONED, Versioned

_TYPES: Final[Identifiers] = {"influence_kinds": INFLUENCE_KINDS, "exposure_signs": EXPOSURE_SIGNS}
"""Values of placeholders that any file may have."""

_KNOWN_PROPERTIES: Final[Mapping[str, str]] = {"reference_classes": "base_rate", "documents": "published_at"}
"""The property that an import reads, with the id, of nodes that the graph already has."""


class _Filling(NamedTuple):
    """A file and the values of its placeholders and lists."""

    file: str
    identifiers: Identifiers = _TYPES
    repeated: Mapping[str, Sequence[Identifiers]] = {}


@cache
def statement(name: str) -> LiteralString:
    """
    Return the text of a statement.

    Raises:
        FileNotFoundError: No statement has the name.
    """
    filling = _fillings().get(name)
    if filling is None:
        message = f"no statement has the name {name!r}"
        raise FileNotFoundError(message)
    return render(*filling)


def list_statements() -> tuple[str, ...]:
    """List the names of all statements, in order."""
    return tuple(sorted(_fillings()))


def list_rendered() -> tuple[str, ...]:
    """List the names of the statements rendered from templates, in order."""
    return tuple(name for name in list_statements() if _fillings()[name].file != name)


@cache
def _fillings() -> Mapping[str, _Filling]:
    found = {name: _Filling(name) for name in list_files()}
    for listed in NODE_LISTS:
        found |= {f"{verb}/{listed.name}": filling for verb, filling in _node_fillings(listed)}
    for edges in EDGE_LISTS:
        found |= {f"{verb}/{edges.name}": filling for verb, filling in _edge_fillings(edges)}
    found |= {
        f"record_versions/{versioned.name}": _record_versions(versioned) for versioned in (*VERSIONED, GRAPH_VERSIONS)
    }
    return found | {
        "bundles/list_known": _list_known(),
        "bundles/list_changed_rows": _list_changed_rows(),
        "bundles/set_moments": _set_moments(),
    }


def _node_fillings(listed: NodeList) -> Iterator[tuple[str, _Filling]]:
    names = {"label": listed.label, "space": listed.space, "key": listed.key[0]}
    yield "upsert", _upsert_nodes(listed, names)
    if listed.is_created:
        yield "create", _create_nodes(listed, names)
    if len(listed.key) == 1:
        walked = listed.label if listed.has_index else listed.space
        yield "export", _Filling("templates/export_nodes", {**names, "walked": walked})
    else:
        yield "export", _Filling("templates/export_versions", {**names, "number": listed.key[1]})
    if listed.titles or listed.texts:
        yield "set_search_words", _Filling("templates/set_search_words", names)
    if related := [_related(reference) for reference in listed.references if reference.relationship is not None]:
        template = "templates/link_nodes_for_good" if listed.keeps_references else "templates/link_nodes"
        yield "link", _Filling(template, names, {"references": related})
    # A claim is deleted with its milestones, by a statement of its own; owned rows go with their owner, or are history.
    if listed.is_subject and not listed.is_claim and listed.owner is None:
        yield "delete", _Filling("templates/delete_node", names)
        yield "count_dependents", _count_dependents(listed, names)


def _upsert_nodes(listed: NodeList, names: Identifiers) -> _Filling:
    lists: dict[str, Sequence[Identifiers]] = {
        "moments": [{"moment": name} for name in listed.text_moments],
        "owners": [] if listed.owner is None else [_related(listed.owner)],
        "stamps": [names] if listed.is_subject else [],
    }
    if not listed.has_derived:
        lists["keys"] = [{"key": name} for name in listed.key]
        return _Filling("templates/upsert_nodes", names, lists)
    lists["derived_moments"] = [{"moment": name} for name in listed.derived_moments]
    lists["further_labels"] = [{"label": listed.label}] if listed.is_claim else []
    return _Filling("templates/upsert_nodes_with_derived", names, lists)


def _create_nodes(listed: NodeList, names: Identifiers) -> _Filling:
    moments = (*listed.text_moments, *listed.derived_moments)
    related = [_related(reference) for reference in references_of(listed) if reference.relationship is not None]
    lists: Mapping[str, Sequence[Identifiers]] = {
        "moments": [{"moment": name} for name in moments],
        "labels": [{"label": label} for label in dict.fromkeys((listed.space, listed.label))],
        "references": related,
        "stamps": [names],
    }
    return _Filling("templates/create_nodes", names, lists)


def _related(reference: Reference) -> Identifiers:
    """Describe the relationship of a reference between `node` and its `other` end."""
    label, key = _found_by(reference)
    return {
        "property": reference.property,
        "relationship": reference.relationship or (),
        "other": label,
        "other_key": key,
        **_ends(is_outgoing=reference.is_outgoing),
    }


def _found_by(reference: Reference) -> tuple[str, str]:
    """Return the label and the key property by which a reference's target is found."""
    if reference.target == CLAIM:
        return CLAIM, "id"
    target = list_of(reference.target)
    return target.space, target.key[0]


def _ends(*, is_outgoing: bool) -> Identifiers:
    """Return the start and the end of a relationship between `node` and `other`."""
    return {"start": "node", "end": "other"} if is_outgoing else {"start": "other", "end": "node"}


def _count_dependents(target: NodeList, names: Identifiers) -> _Filling:
    """Count relationships to a node by type, and properties that name it without a relationship."""
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
"""The references that all kinds of claims have in common."""


def _edge_ends(listed: EdgeList) -> dict[str, str]:
    """Return the labels, keys and properties by which both ends of a relationship are found."""
    source, source_key = _found_by(listed.start)
    target, target_key = _found_by(listed.end)
    return {
        "source": source,
        "source_key": source_key,
        "source_property": listed.start.property,
        "target": target,
        "target_key": target_key,
        "target_property": listed.end.property,
    }


def _edge_fillings(listed: EdgeList) -> Iterator[tuple[str, _Filling]]:
    names: dict[str, str | tuple[str, ...]] = {
        **_edge_ends(listed),
        "types": listed.types,
        "page_key": listed.export_key,
    }
    types = {"types": [{"type": kind} for kind in listed.types]}
    yield "export", _Filling("templates/export_edges", names, types)
    if listed.own_key is not None:
        names["key"] = listed.own_key
        yield "upsert", _Filling("templates/append_edges", names)
        yield "create", _Filling("templates/create_edges", names)
        return
    if listed.type_property is None:
        yield "upsert", _Filling("templates/upsert_edges", names)
        yield "create", _Filling("templates/create_edges", names)
        yield "remove", _Filling("templates/remove_edge", names)
        return
    names["type_property"] = listed.type_property
    yield "upsert", _Filling("templates/upsert_edges_of_types", names, types)
    yield "create", _Filling("templates/create_edges_of_types", names, types)
    yield "get", _Filling("templates/get_edge", names)
    yield "remove", _Filling("templates/remove_edge_of_types", names)


def _record_versions(versioned: Versioned) -> _Filling:
    outcome = {
        "status": "status",
        "stated": "stated_probability",
        "predictor": "predictor_id",
        "class": "reference_class_id",
    }
    names: Identifiers = {"label": versioned.label}
    listed = ROW_LISTS.get(versioned.name)
    edges: list[Identifiers] = [{**_edge_ends(listed), "types": listed.types}] if isinstance(listed, EdgeList) else []
    lists: Mapping[str, Sequence[Identifiers]] = {
        "nodes": [] if edges else [names],
        "edges": edges,
        "owners": [] if versioned.owner is None else [{"owner": versioned.owner}],
        "moments": [] if versioned.valid_at is None else [{"valid_at": versioned.valid_at}],
        "properties": [{"property": name} for name in versioned.properties],
        "outcomes": [outcome] if versioned is CLAIM_VERSIONS else [],
    }
    return _Filling("templates/record_versions", names, lists)


def _list_changed_rows() -> _Filling:
    nodes: list[Identifiers] = [
        {
            "list": listed.name,
            "label": listed.label,
            "walked": listed.label if listed.has_index else listed.space,
            "key": listed.key[0],
        }
        for listed in NODE_LISTS
        if len(listed.key) == 1
    ]
    edges: list[Identifiers] = [
        {"list": listed.name, "types": listed.types, **_edge_ends(listed)}
        for listed in EDGE_LISTS
        if listed.own_key is None and listed.start.target != CLAIM  # influences are read by their children
    ]
    keyed: list[Identifiers] = [
        {"list": listed.name, "types": listed.types, "key": listed.own_key}
        for listed in EDGE_LISTS
        if listed.own_key is not None
    ]
    return _Filling("bundles/list_changed_rows", _TYPES, {"nodes": nodes, "edges": edges, "keyed_edges": keyed})


def _set_moments() -> _Filling:
    nodes: list[Identifiers] = [
        {"list": listed.name, "space": listed.space, "key": listed.key[0]} for listed in NODE_LISTS if listed.is_subject
    ]
    return _Filling("bundles/set_moments", repeated={"nodes": nodes})


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
