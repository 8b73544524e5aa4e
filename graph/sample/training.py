"""The training load of the server's AOT cache; who starts the server need not import what it exercises."""

from typing import Final

from graph.server import Endpoint, Training


async def exercise(endpoint: Endpoint) -> None:
    """Do a client's typical work, as `graph.sample.exercising` has it."""
    from graph.sample import exercising  # noqa: PLC0415 - takes a second, in which Neo4j starts already

    await exercising.exercise(endpoint)


TRAINING: Final = Training(exercise, fingerprint="2")
"""Raise the fingerprint whenever the work changes, so that caches are rebuilt."""
