"""Questions over the network from the command line; imported late, as loading the network's code takes time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.tables import list_what_if_ids, open_console, print_what_if
from graph.database.sessions import Database
from graph.inference.network.diagnostics import Method
from graph.network.engine import Engine
from graph.network.propagation import Request, propagate
from graph.network.questions import Observation, Sampling, WhatIf, make_sampling, read_observation
from graph.reading.nodes import get_nodes
from graph.reading.tree import NodePlan


@dataclass(frozen=True, slots=True)
class Question:
    """
    Supposed outcomes, and how to compute what follows.

    Attributes:
        observations: The supposed outcomes.
        is_intervention: Whether they are set from outside, so that they say nothing of their causes.
        method: The inference method.
        sampling: Number of samples and seed, where the method samples.
    """

    observations: Sequence[Observation]
    is_intervention: bool
    method: Method
    sampling: Sampling

    @classmethod
    def read(
        cls, texts: Sequence[str], *, is_intervention: bool, method: str, samples: int | None, seed: int | None
    ) -> "Question":
        """
        Parse a question from command-line arguments.

        Raises:
            InvalidError: An outcome is not of the form `CLAIM=true`, or a number is out of range.
        """
        observations = [read_observation(text) for text in texts]
        return cls(observations, is_intervention, Method(method.upper()), make_sampling(samples, seed))


async def ask(database: Database, question: Question, *, first: int) -> tuple[WhatIf, Mapping[str, str]]:
    """Answer a question; returns the answer and the titles of the claims that it lists."""
    async with database.reading() as reading:
        # Nobody else waits, and the process ends with the answer: samples are drawn, however long it takes.
        found = await Engine(sample_patience_seconds=None).what_if(
            reading,
            question.observations,
            is_intervention=question.is_intervention,
            method=question.method,
            sampling=question.sampling,
            first=first,
        )
    async with database.reading() as reading:
        plan = NodePlan(properties=("id", "title"))
        nodes = await get_nodes(reading, [("Claim", claim_id) for claim_id in list_what_if_ids(found)], plan)
    return found, {node["id"]: node["title"] for node in nodes if node is not None}


def show(answer: tuple[WhatIf, Mapping[str, str]]) -> None:
    """Print an answer as a table."""
    print_what_if(*answer, open_console())


async def propagate_by(database: Database, method: str, *, is_dry_run: bool) -> dict[str, Any]:
    """Compute and store every claim's marginal; returns the run and the number of marginals stored."""
    return (await propagate(database, Engine(), Request(Method(method.upper()), is_dry_run=is_dry_run))).payload
