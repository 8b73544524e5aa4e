"""Asks a Neo4j that starts whether it answers; apart, since who starts it does so before the driver is imported."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Final

import neo4j
from neo4j.exceptions import AuthError, DriverError, Neo4jError

from graph.errors import ConfigurationError
from graph.server.launch import Endpoint

_CONNECT_SECONDS: Final = 20.0
"""A port that is not open yet refuses at once; a Neo4j that has just opened it may take seconds on a busy machine, and
each try that is given up costs it as much again."""


@contextlib.contextmanager
def asking(endpoint: Endpoint) -> Iterator[Callable[[], bool]]:
    """
    Give a function that returns whether the Neo4j at an endpoint answers.

    Raises:
        ConfigurationError: Neo4j rejects the password; by the function.
    """
    with _quiet_driver(), _driver(endpoint) as driver:
        yield lambda: _answers(driver, endpoint)


def _driver(endpoint: Endpoint) -> neo4j.Driver:
    return neo4j.GraphDatabase.driver(
        endpoint.uri,
        auth=(endpoint.user, endpoint.password),
        connection_timeout=_CONNECT_SECONDS,
        connection_acquisition_timeout=_CONNECT_SECONDS,
        telemetry_disabled=True,
    )


def _answers(driver: neo4j.Driver, endpoint: Endpoint) -> bool:
    try:
        with driver.session(database=endpoint.database) as session:
            session.run("RETURN 1").consume()
    except AuthError as error:
        raise ConfigurationError(f"Neo4j at {endpoint.uri} rejects the data directory's password") from error
    except (DriverError, Neo4jError, OSError):
        return False
    return True


@contextlib.contextmanager
def _quiet_driver() -> Iterator[None]:
    """Silence the driver's logs of connections refused while Neo4j starts."""
    logger = logging.getLogger("neo4j")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
