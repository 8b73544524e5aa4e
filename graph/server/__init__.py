"""The embedded Neo4j: the Community server as a child process, with nothing to install."""

from graph.server.aot import Training
from graph.server.embedded import (
    DEFAULT_RELEASE,
    EmbeddedServer,
    Memory,
    Software,
    end_running,
    find_running,
    start_or_attach,
)
from graph.server.launch import Endpoint

__all__ = [
    "DEFAULT_RELEASE",
    "EmbeddedServer",
    "Endpoint",
    "Memory",
    "Software",
    "Training",
    "end_running",
    "find_running",
    "start_or_attach",
]
