"""Serves with reload on changes of the code: `make dev`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from socket import socket
from typing import Final

import uvicorn
from uvicorn.supervisors.statreload import StatReload

from api.cli import cli
from api.logging import configure_logging
from api.service import find_database, stopping_on_signals
from api.settings import load_settings

PROJECT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("api", "cypher", "graph", "resolvers")
SUFFIXES: Final = frozenset({".py", ".cypher"})


class Reloader(StatReload):
    """Restarts the service in a process of its own when a module or a statement changes."""

    def iter_py_files(self) -> Iterator[Path]:
        """The files whose change restarts the service."""
        for folder in self.config.reload_dirs:
            yield from (path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def serve(sockets: list[socket] | None = None) -> None:
    """Run `foregraph up` with the arguments of this process; it attaches to the Neo4j that the reloader holds."""
    cli.main(["up", *sys.argv[1:]], prog_name="foregraph")


def main() -> None:
    """Serve until Ctrl-C; Neo4j starts once and stays up between reloads."""
    settings = load_settings()
    configure_logging(log_format=settings.log_format, log_level=settings.log_level)
    folders = [str(PROJECT / package) for package in PACKAGES]
    config = uvicorn.Config("api.app:create_app", reload=True, reload_dirs=folders, log_config=None)
    with stopping_on_signals(), find_database(settings):
        Reloader(config, serve, sockets=[]).run()


if __name__ == "__main__":
    main()
