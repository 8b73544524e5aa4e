"""What hangs on what: every relation that can be followed, and how a batch of them is asked in one statement."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graph.database.sessions import Unit
from graph.errors import InvalidError
from graph.model.page_keys import AFTER_MARK, MARK, bounds, moment_text
from graph.model.relations import RELATIONS, Relation
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, NODE_LISTS, noun_of, subject_of

GET_PARAMETERS: Mapping[str, str] = {
    CLAIM: CLAIM.lower(),
    **{listed.label: noun_of(listed.space).replace(" ", "_") for listed in NODE_LISTS if listed.is_subject},
}
"""Where `reading/get_nodes` takes each subject's requests."""

_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    statement: tuple(relation.name for relation in RELATIONS if relation.statement == statement)
    for statement in ("reading/expand_claims", "reading/expand_nodes")
}


@dataclass(frozen=True, slots=True)
class Request:
    """
    One node's rows of one relation.

    Attributes:
        relation: What to follow.
        source: The id to start from.
        limit: The most rows to return; without effect on a relation to one.
        after: The page key after which to begin, the start when absent.
        properties: The properties of the nodes found that are returned.
        link: The properties of the relationships that are returned.
        arguments: What else the relation takes: `kinds`, `signs`, `hides_event`; of rows in order of time `since`, the
            moment after which they begin, and `until`, the last one that they may have.
    """

    relation: Relation
    source: str
    limit: int = 1
    after: str | None = None
    properties: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self, index: int) -> dict[str, Any]:
        """The request as its statement takes it."""
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
class Found:
    """A row of a relation: its page key, what kind of node it is, and the asked properties of node and relationship."""

    key: str
    subject: str
    properties: Mapping[str, Any]
    link: Mapping[str, Any]


async def follow(unit: Unit, requests: Sequence[Request]) -> list[list[Found]]:
    """Each request's rows in its relation's order: one statement for all that start from claims, one for the rest."""
    found: list[list[Found]] = [[] for _ in requests]
    for statement, parameters in _PARAMETERS.items():
        asked = {index: request for index, request in enumerate(requests) if request.relation.statement == statement}
        if not asked:
            continue
        lists, limits = _by_parameter(asked, parameters)
        for row in await unit.run(statement, requests=lists, limits=limits):
            request = requests[row["request"]]
            found[row["request"]].append(
                Found(
                    key=row["key"],
                    subject=subject_of(row["labels"]),
                    properties=dict(zip(request.properties, row["properties"], strict=True)),
                    link=dict(zip(request.link, row["link"], strict=False)),
                )
            )
    for request, rows in zip(requests, found, strict=True):
        rows.sort(key=lambda row: row.key, reverse=request.relation.is_descending)
        del rows[max(1, request.limit) :]
    return found


async def count(unit: Unit, requests: Sequence[Request]) -> list[int]:
    """How many rows each request has in all, pages aside; one statement for all of them."""
    lists: dict[str, list[dict[str, Any]]] = {relation.name: [] for relation in RELATIONS if relation.is_many}
    for index, request in enumerate(requests):
        lists[request.relation.name].append(replace(request, after=None).parameters(index))
    totals = [0] * len(requests)
    for row in await unit.run("reading/count_related", requests=lists):
        totals[row["request"]] = row["total"]
    return totals


async def get(unit: Unit, asked: Sequence[tuple[str, str, tuple[str, ...]]]) -> list[tuple[str, dict[str, Any]] | None]:
    """
    Nodes by subject and id, with the asked properties; None for one that is not there, or is of another subject.

    Args:
        unit: Where to read.
        asked: Subject, id and names of properties of each.
    """
    lists: dict[str, list[dict[str, Any]]] = {parameter: [] for parameter in GET_PARAMETERS.values()}
    for index, (subject, node_id, properties) in enumerate(asked):
        request = {"index": index, "source": node_id, "properties": list(properties)}
        lists[GET_PARAMETERS[subject]].append(request)
    nodes: list[tuple[str, dict[str, Any]] | None] = [None] * len(asked)
    for row in await unit.run("reading/get_nodes", requests=lists):
        wanted, _, properties = asked[row["request"]]
        subject = subject_of(row["labels"])
        if subject == wanted or (wanted == CLAIM and subject in CLAIM_SUBJECTS):
            nodes[row["request"]] = (subject, dict(zip(properties, row["properties"], strict=True)))
    return nodes


def _by_parameter(
    asked: Mapping[int, Request], parameters: Sequence[str]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, int]]:
    lists: dict[str, list[dict[str, Any]]] = {parameter: [] for parameter in parameters}
    limits: dict[str, int] = defaultdict(int, dict.fromkeys(parameters, 0))
    for index, request in asked.items():
        lists[request.relation.name].append(request.parameters(index))
        limits[request.relation.name] = max(limits[request.relation.name], request.limit)
    return lists, dict(limits)
