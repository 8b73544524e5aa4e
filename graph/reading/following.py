"""Follows relations from many nodes at once: one statement a batch, whatever relations and nodes are in it."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from graph.database.sessions import Unit
from graph.errors import InvalidError
from graph.model.page_keys import AFTER_MARK, MARK, bounds, moment_text
from graph.model.relations import RELATIONS, Relation
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, NODE_LISTS, noun_of, subject_of

GET_PARAMETERS: Mapping[str, str] = {
    CLAIM: CLAIM.lower(),
    **{listed.label: noun_of(listed.space).replace(" ", "_") for listed in NODE_LISTS if listed.is_subject},
}
"""The parameter of `reading/get_nodes` that takes each subject's requests."""

_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    statement: tuple(relation.name for relation in RELATIONS if relation.statement == statement)
    for statement in ("reading/expand_claims", "reading/expand_nodes")
}

ROWS_AT_ONCE: Final = 1_000
"""Rows taken in turn with other requests, some 5 ms: a claim's ledger may have 50,000."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    A request for a page of one relation's rows from one node.

    Attributes:
        relation: The relation to follow.
        source: The id of the node to start from.
        limit: The most rows to return; a relation to one ignores it.
        after: The page key after which to begin; the start when absent.
        properties: Names of the properties to return of the nodes at the other end.
        link: Names of the properties to return of the relationships.
        arguments: Further arguments of the relation: `kinds`, `signs`, `hides_event`; for rows in order of time also
            `since`, a moment before all of them, and `until`, the latest moment that they may have.
    """

    relation: Relation
    source: str
    limit: int = 1
    after: str | None = None
    properties: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self, index: int) -> dict[str, Any]:
        """
        Return the request as an entry of its statement's parameter.

        Args:
            index: The request's number, under which its rows come back.

        Raises:
            InvalidError: The page key belongs to another node's rows.
        """
        low, high = bounds(self.source)
        if self.after is not None:
            if not low < self.after < high:
                other = self.after.partition(MARK)[0]
                message = f"expected a cursor from this very connection, got one from that of {other!r}"
                raise InvalidError(message, path="after")
            low, high = (low, self.after) if self.relation.is_descending else (self.after, high)
        arguments = dict(self.relation.defaults) | dict(self.arguments)
        since, until = arguments.pop("since", None), arguments.pop("until", None)
        if since is not None:
            low = max(low, f"{self.source}{MARK}{moment_text(since)}{AFTER_MARK}")
        if until is not None:
            high = min(high, f"{self.source}{MARK}{moment_text(until)}{AFTER_MARK}")
        return {
            "index": index,
            "source": self.source,
            "low": low,
            "high": high,
            "properties": list(self.properties),
            "link": list(self.link),
            "is_bounded": since is not None or until is not None,
            **arguments,
        }


@dataclass(frozen=True, slots=True)
class RelatedNode:
    """
    A row of a relation.

    Attributes:
        key: Its page key.
        subject: The subject of the node at the other end.
        properties: The node's requested properties, by name.
        link: The relationship's requested properties, by name.
    """

    key: str
    subject: str
    properties: Mapping[str, Any]
    link: Mapping[str, Any]


async def follow(unit: Unit, requests: Sequence[Request]) -> list[list[RelatedNode]]:
    """
    Return each request's rows in its relation's order.

    One statement reads all relations that start from claims, one the others.
    """
    pages: list[list[RelatedNode]] = [[] for _ in requests]
    for statement, parameters in _PARAMETERS.items():
        batch = {index: request for index, request in enumerate(requests) if request.relation.statement == statement}
        if not batch:
            continue
        lists, limits = _by_parameter(batch, parameters)
        for number, row in enumerate(await unit.run(statement, requests=lists, limits=limits), 1):
            if number % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
            request = requests[row["request"]]
            pages[row["request"]].append(
                RelatedNode(
                    key=row["key"],
                    subject=subject_of(row["labels"]),
                    properties=dict(zip(request.properties, row["properties"], strict=True)),
                    link=dict(zip(request.link, row["link"], strict=False)),
                )
            )
    for request, rows in zip(requests, pages, strict=True):
        rows.sort(key=lambda row: row.key, reverse=request.relation.is_descending)
        del rows[max(1, request.limit) :]
    return pages


async def count(unit: Unit, requests: Sequence[Request]) -> list[int]:
    """Count each request's rows on all pages, in one statement."""
    lists: dict[str, list[dict[str, Any]]] = {relation.name: [] for relation in RELATIONS if relation.is_many}
    for index, request in enumerate(requests):
        lists[request.relation.name].append(replace(request, after=None).parameters(index))
    totals = [0] * len(requests)
    for row in await unit.run("reading/count_related", requests=lists):
        totals[row["request"]] = row["total"]
    return totals


async def get(
    unit: Unit, wanted: Sequence[tuple[str, str, tuple[str, ...]]]
) -> list[tuple[str, dict[str, Any]] | None]:
    """
    Return nodes by subject and id: each one's own subject and properties.

    Args:
        unit: The transaction to read in.
        wanted: The subject, the id and the names of the properties of each.

    Returns:
        In the order of `wanted`; None where no node of the subject has the id.
    """
    lists: dict[str, list[dict[str, Any]]] = {parameter: [] for parameter in GET_PARAMETERS.values()}
    for index, (subject, node_id, properties) in enumerate(wanted):
        request = {"index": index, "source": node_id, "properties": list(properties)}
        lists[GET_PARAMETERS[subject]].append(request)
    nodes: list[tuple[str, dict[str, Any]] | None] = [None] * len(wanted)
    for row in await unit.run("reading/get_nodes", requests=lists):
        wanted_subject, _, properties = wanted[row["request"]]
        subject = subject_of(row["labels"])
        if subject == wanted_subject or (wanted_subject == CLAIM and subject in CLAIM_SUBJECTS):
            nodes[row["request"]] = (subject, dict(zip(properties, row["properties"], strict=True)))
    return nodes


def _by_parameter(
    batch: Mapping[int, Request], parameters: Sequence[str]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, int]]:
    lists: dict[str, list[dict[str, Any]]] = {parameter: [] for parameter in parameters}
    limits: dict[str, int] = defaultdict(int, dict.fromkeys(parameters, 0))
    for index, request in batch.items():
        lists[request.relation.name].append(request.parameters(index))
        limits[request.relation.name] = max(limits[request.relation.name], request.limit)
    return lists, dict(limits)
