"""GET /beliefs.csv and its like: every claim's belief as of a moment, as a stream."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from starlette.requests import Request

from api.deadlines import Deadlines
from api.formats import FORMATS
from api.streams import OpenTable
from api.table_endpoint import TableEndpoint, read_moment_parameter, read_parameters
from graph.database.sessions import Database
from graph.ledger.beliefs import open_beliefs
from graph.ledger.settings import check_policy

READ_SECONDS: Final = 600.0
"""The longest for one table: a million claims, or a client that reads slowly."""

PATHS: Final = tuple(f"/beliefs.{name}" for name in FORMATS)
PARAMETERS: Final = frozenset({"asOf", "knownAt", "policy"})


def make_beliefs_endpoint(find_database: Callable[[], Database], deadlines: Deadlines) -> TableEndpoint:
    """
    Make what answers GET /beliefs.csv, and the other formats by their extension.

    Args:
        find_database: Finds the database, which is opened with the service.
        deadlines: Limits the time.
    """

    def choose(request: Request) -> OpenTable:
        moment, known_at, policy = _read_query(request)
        return partial(open_beliefs, find_database(), moment, known_at, policy=policy)

    return TableEndpoint(choose, deadlines, seconds=READ_SECONDS, filename="beliefs")


def _read_query(request: Request) -> tuple[datetime, datetime, str | None]:
    """
    Read the moment, now by default, the one by which what follows is known, the same by default, and the policy.

    Raises:
        InvalidError: A parameter is unknown or wrong.
    """
    given = read_parameters(request, PARAMETERS)
    policy = given.get("policy")
    if policy is not None:
        check_policy(policy)
    moment = read_moment_parameter(request, "asOf") or datetime.now(UTC)
    return moment, read_moment_parameter(request, "knownAt") or moment, policy
