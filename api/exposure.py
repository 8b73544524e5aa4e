"""GET /exposure.csv and its like: what contributes to a stored portfolio's exposure, for spreadsheets."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from starlette.requests import Request

from api.access.callers import caller_of
from api.deadlines import Deadlines
from api.formats import FORMATS
from api.streams import OpenTable
from api.table_endpoint import TableEndpoint, read_moment_parameter, read_parameters
from graph.errors import InvalidError
from graph.exposure.store import Holder
from graph.exposure.table import open_exposure
from resolvers.base.context import Service
from resolvers.base.roles import Role

READ_SECONDS: Final = 60.0
PATHS: Final = tuple(f"/exposure.{name}" for name in FORMATS)
PARAMETERS: Final = frozenset({"portfolio", "active", "asOf"})


def make_exposure_endpoint(find_service: Callable[[], Service], deadlines: Deadlines) -> TableEndpoint:
    """
    Make what answers GET /exposure.csv, and the other formats by their extension.

    Args:
        find_service: Finds the service's state, which is opened with it.
        deadlines: Limits the time.
    """

    def choose(request: Request) -> OpenTable:
        name, as_of, is_active = _read_query(request)
        service, caller = find_service(), caller_of(request.scope)
        holder = Holder(caller.name, sees_all=Role.OPERATOR in caller.roles)
        return partial(open_exposure, service.database, service.engine, name, holder, as_of=as_of, is_active=is_active)

    return TableEndpoint(choose, deadlines, seconds=READ_SECONDS, filename="exposure")


def _read_query(request: Request) -> tuple[str, datetime | None, bool]:
    """
    Read the portfolio's name, the moment to measure at, and whether active weights are measured.

    Raises:
        InvalidError: A parameter is unknown, absent or wrong.
    """
    given = read_parameters(request, PARAMETERS)
    if not given.get("portfolio"):
        raise InvalidError("expected the name of a stored portfolio, got none", path="portfolio")
    active = given.get("active", "false")
    if active not in ("true", "false"):
        raise InvalidError(f"expected true or false, got {active!r:.80}", path="active")
    return given["portfolio"], read_moment_parameter(request, "asOf"), active == "true"
