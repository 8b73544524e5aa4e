"""The `foregraph` command: starts the service, brings graphs in and out, asks, prints and draws."""

from importlib.metadata import version
from typing import Any

import click

from api.access.commands import keys_group, roles_command
from api.cli import beliefs, bundles, declared, files, network, queries, serving
from api.collector import pace_collector
from graph.errors import ForegraphError

INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C has ended


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
  5  an applied migration's file has changed
  6  the embedded Neo4j cannot be installed or started
  7  nothing runs that `status` or `open` could show
"""


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, help=HELP)
@click.version_option(version("foregraph"), prog_name="foregraph")
def cli() -> None:
    """Foregraph's commands."""


COMMANDS = (
    *serving.COMMANDS,
    *bundles.COMMANDS,
    *files.COMMANDS,
    *beliefs.COMMANDS,
    *network.COMMANDS,
    *queries.COMMANDS,
    *declared.COMMANDS,
    keys_group,
    roles_command,
)
for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Entry point of the console command."""
    pace_collector()
    cli()
