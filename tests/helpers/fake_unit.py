"""Transactions without a database: one that answers by name, and one that follows relations of a graph in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from graph.database.sessions import Row
from graph.model.page_keys import join

Answer = Callable[..., list[Row]]


class FakeUnit:
    """Answers each statement by a function of its parameters, and records the calls."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def run(self, name: str, /, **parameters: object) -> list[Row]:
        """Answer a statement."""
        self.calls.append((name, parameters))
        return self._answers[name](**parameters)

    async def fetch(self, text: Any, parameters: Mapping[str, Any], *, is_alone: bool, max_rows: int = 1) -> Any:
        """Answer a composed statement, whose name is `composed`."""
        self.calls.append(("composed", {"text": text, **parameters}))
        return self._answers["composed"](text=text, **parameters)

    def answer(self, name: str, answer: Answer) -> None:
        """Answer one more statement."""
        self._answers = {**self._answers, name: answer}

    @property
    def names(self) -> list[str]:
        """The names of the statements that ran, in order."""
        return [name for name, _ in self.calls]


class FakeGraph(FakeUnit):
    """
    A graph in memory, whose relations are followed by page key as the reading statements follow them.

    Args:
        nodes: The subject and the properties of each node, by id.
        related: The sort key, the id and the relationship's properties of each row, by relation and source.
        answers: Answers to further statements, by name.
    """

    def __init__(
        self,
        nodes: Mapping[str, tuple[str, Mapping[str, Any]]],
        related: Mapping[tuple[str, str], Sequence[tuple[str, str, Mapping[str, Any]]]],
        answers: Mapping[str, Answer] | None = None,
    ) -> None:
        super().__init__(
            {
                "reading/get_nodes": self._get,
                "reading/expand_claims": self._expand,
                "reading/expand_nodes": self._expand,
                "reading/count_related": self._count,
                **(answers or {}),
            }
        )
        self._nodes = nodes
        self._related = related

    def _get(self, requests: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
        wanted = [request for batch in requests.values() for request in batch if request["source"] in self._nodes]
        return [{"request": request["index"], **self._node(request["source"], request)} for request in wanted]

    def _expand(self, requests: Mapping[str, Sequence[Mapping[str, Any]]], limits: Mapping[str, int]) -> list[Row]:
        rows: list[Row] = []
        for relation, batch in requests.items():
            for request in batch:
                rows += list(self._rows(relation, request))[: limits[relation]]
        return rows

    def _count(self, requests: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
        return [
            {"request": request["index"], "total": len(list(self._rows(relation, request)))}
            for relation, batch in requests.items()
            for request in batch
        ]

    def _rows(self, relation: str, request: Mapping[str, Any]) -> Iterator[Row]:
        for sort_key, node_id, link in sorted(self._related.get((relation, request["source"]), ())):
            key = join(request["source"], sort_key, node_id)
            if request["low"] < key < request["high"]:
                values = [link.get(name) for name in request["link"]]
                yield {"request": request["index"], "key": key, "link": values, **self._node(node_id, request)}

    def _node(self, node_id: str, request: Mapping[str, Any]) -> Row:
        subject, properties = self._nodes[node_id]
        return {
            "labels": [subject],
            "properties": [{"id": node_id, **properties}.get(n) for n in request["properties"]],
        }
