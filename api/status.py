"""Status: the services that run, the size of the graph, and the age of what is computed over it."""

import os
import sys
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.running import Running, is_ready, list_running
from api.service import url_of
from api.settings import Settings
from graph.database.address import DatabaseAddress
from graph.database.migrations import is_migrated
from graph.database.sessions import Database
from graph.errors import counted
from graph.network.overview import Overview, get_overview
from graph.server import Endpoint, find_running


@dataclass(frozen=True, slots=True)
class Status:
    """
    Services that run, and contents of the graph.

    Attributes:
        place: The data directory, or the address of another Neo4j.
        database: The address of the Neo4j that runs; None where none does.
        services: The services that run, each with whether it is ready.
        overview: The graph at a glance; None without a Neo4j.
        has_schema: Whether the graph has this version's schema.
    """

    place: str
    database: DatabaseAddress | None
    services: Mapping[Running, bool]
    overview: Overview | None = None
    has_schema: bool = False

    @property
    def is_running(self) -> bool:
        """Whether anything runs."""
        return self.database is not None or bool(self.services)

    def as_json(self) -> dict[str, Any]:
        """Return the status as JSON; of the database neither user nor password."""
        return {
            "place": self.place,
            "neo4j": None if self.database is None else {"uri": self.database.uri},
            "services": [{**service.as_json(), "is_ready": ready} for service, ready in self.services.items()],
            "graph": None if self.overview is None else _graph_json(self.overview, has_schema=self.has_schema),
        }

    def lines(self) -> list[tuple[str, str]]:
        """Return the status in words, each line with its heading."""
        lines = [("Data", self.place)]
        lines.append(("Neo4j", self.database.uri if self.database else "not running; `make run` starts it"))
        lines += [("Service", _service_line(service, is_ready=ready)) for service, ready in self.services.items()]
        if not self.services:
            lines.append(("Service", "not running; `make run` starts it"))
        if self.overview is not None:
            lines += _graph_lines(self.overview, has_schema=self.has_schema)
        return lines


async def get_status(settings: Settings) -> Status:
    """
    Look what runs; nothing is started.

    Raises:
        UnavailableError: The Neo4j of the settings cannot be reached.
        ConfigurationError: It refuses user or password, or the password file cannot be read.
    """
    address = settings.find_address() or _find_embedded(settings)
    place = settings.neo4j_uri or str(settings.data_dir.absolute())
    services = {service: is_ready(service.url) for service in find_services(settings)}
    if address is None:
        return Status(place, None, services)
    async with Database.open(address) as database:
        await database.verify()
        overview = await database.read(get_overview, unknown_names_are_fine=True)
        has_schema = await is_migrated(database)
    return Status(place, address, services, overview, has_schema)


def find_services(settings: Settings) -> list[Running]:
    """
    Find the services that run, the one started last at the end.

    On a data directory each has left a note; of those on another Neo4j, the one that answers at the settings' port.
    """
    if settings.neo4j_uri is None:
        return list_running(settings.data_dir.absolute())
    url = url_of(settings.host, settings.port)
    return [Running(url)] if is_ready(url) else []


def open_page(url: str) -> bool:
    """Open a page in the browser of this desktop; returns whether there is one."""
    has_desktop = sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return has_desktop and webbrowser.open(url)


def _find_embedded(settings: Settings) -> DatabaseAddress | None:
    data_dir = settings.data_dir.absolute()
    endpoint: Endpoint | None = find_running(data_dir) if data_dir.exists() else None
    if endpoint is None:
        return None
    return DatabaseAddress(uri=endpoint.uri, user=endpoint.user, password=endpoint.password, database=endpoint.database)


def _service_line(service: Running, *, is_ready: bool) -> str:
    parts = [
        f"{service.url}/graphql",
        *([f"process {service.pid}"] if service.pid else []),
        *([counted(service.workers, "worker")] if service.workers > 1 else []),
        *([f"since {_minute(service.since)}"] if service.since else []),
        "ready" if is_ready else "not ready yet",
    ]
    return ", ".join(parts)


def _graph_json(overview: Overview, *, has_schema: bool) -> dict[str, Any]:
    marginals = overview.marginals
    return {
        "has_schema": has_schema,
        "revision": overview.revision,
        "num_nodes": dict(overview.num_nodes),
        "marginals": None
        if marginals is None
        else {
            "run_id": marginals.run_id,
            "revision": marginals.revision,
            "as_of": marginals.as_of.isoformat(),
            "is_fresh": overview.is_fresh,
        },
    }


def _graph_lines(overview: Overview, *, has_schema: bool) -> list[tuple[str, str]]:
    schema = "" if has_schema else "; without this version's schema, which `foregraph migrate` applies"
    counts = ", ".join(f"{label} {number:,}" for label, number in overview.num_nodes.items() if number)
    return [
        ("Graph", f"revision {overview.revision}{schema}"),
        ("Marginals", _freshness(overview)),
        ("Nodes", counts or "none"),
    ]


def _freshness(overview: Overview) -> str:
    if overview.marginals is None:
        return "none stored yet"
    behind = overview.revision - overview.marginals.revision
    state = "up to date" if overview.is_fresh else f"{counted(behind, 'revision')} behind"
    return f"{state}, as of {_minute(overview.marginals.as_of)}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
