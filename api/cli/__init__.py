"""The `foregraph` command: starts the service, brings graphs in and out, asks, prints and draws."""

from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

import click

from api.collector import pace_collector
from graph.errors import ForegraphError

INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C has ended

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "api.cli.serving": ("up", "serve", "status", "open", "mcp", "migrate", "settings"),
    "api.cli.bundles": ("import", "export", "backup", "restore", "drill"),
    "api.cli.files": ("import-forecasts", "predictions", "tickers", "exposures", "evidence"),
    "api.cli.beliefs": ("backtest", "sweep", "verify", "rebuild", "refresh"),
    "api.cli.network": ("whatif", "exposure", "propagate", "draw"),
    "api.cli.queries": ("cypher", "queries"),
    "api.cli.declared": ("schema", "statements", "documents"),
    "api.cli.webhooks": ("webhooks",),
    "api.access.commands": ("keys", "roles"),
}
MODULES: Final[Mapping[str, str]] = {name: module for module, names in _NAMES.items() for name in names}
"""The module of each command; it lists its commands in COMMANDS."""


class _Imported(UserDict[str, Any]):
    """Commands by name, from the names of their modules; a module is imported when a command of it is looked up."""

    def __getitem__(self, name: str) -> click.Command:
        commands: tuple[click.Command, ...] = import_module(super().__getitem__(name)).COMMANDS
        return next(command for command in commands if command.name == name)


class _Commands(click.Group):
    """Reports Foregraph's own errors in one message, with the exit code of their class."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ForegraphError as error:
            click.echo(f"foregraph: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("foregraph: interrupted", err=True)
            ctx.exit(INTERRUPTED)


HELP = """\
A forecast graph: who predicted what, what has to happen first, what would kill it, and what the evidence says.

Without FOREGRAPH_NEO4J_URI the commands use an embedded Neo4j with its data in ./.foregraph: the one that is
running, or else one that they start and stop. `foregraph settings` lists every variable.

\b
Exit codes:
  0  done, or stopped by Ctrl-C or SIGTERM while serving
  1  any other error
  2  an invalid command line, statement or bundle, or refused evidence
  3  a setting that does not work
  4  the database is unreachable, or took too long
  5  an applied migration's file has changed, or a newer version has written the graph
  6  the embedded Neo4j cannot be installed or started
  7  nothing runs that `status` or `open` could show
"""


@click.group(
    cls=_Commands, commands=_Imported(MODULES), context_settings={"help_option_names": ["-h", "--help"]}, help=HELP
)
@click.version_option(version("foregraph"), prog_name="foregraph")
def cli() -> None:
    """Foregraph's commands."""


def main() -> None:
    """Entry point of the console command."""
    pace_collector()
    cli()
