"""Commands that serve, and that tell what is served."""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import click

from api import service
from api.cli.configuring import configure
from api.settings import describe_settings
from graph.database.address import DatabaseAddress
from graph.sample import Sample

if TYPE_CHECKING:
    from graph.database.sessions import Database

NOT_RUNNING: Final = 7


def _listening(command: Callable[..., None]) -> Callable[..., None]:
    host = click.option("--host", help="Address to listen on; overrides FOREGRAPH_HOST.")
    port = click.option("--port", type=int, help="Port to listen on; overrides FOREGRAPH_PORT; 0 picks a free one.")
    workers = click.option(
        "--workers", type=click.IntRange(1, 64), help="Number of processes that serve; overrides FOREGRAPH_WORKERS."
    )
    return host(port(workers(command)))


@click.command()
@_listening
def up(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API, with the sample in an empty graph."""
    _serve(sample=True, host=host, port=port, workers=workers)


@click.command()
@_listening
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API; load no sample."""
    _serve(sample=False, host=host, port=port, workers=workers)


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def status_command(context: click.Context, *, as_json: bool) -> None:
    """Show what runs where, and how fresh the graph is."""
    from api.status import get_status  # noqa: PLC0415 - saves commands that do without 0.1 s

    status = asyncio.run(get_status(configure()))
    if as_json:
        click.echo(json.dumps(status.as_json(), indent=2))
    else:
        click.echo("\n".join(f"{heading:<11}{text}" for heading, text in status.lines()))
    if not status.is_running:
        context.exit(NOT_RUNNING)


@click.command("open")
@click.pass_context
def open_command(context: click.Context) -> None:
    """Open GraphiQL in the browser, or print its address."""
    from api.status import find_services, open_page  # noqa: PLC0415 - saves other commands some time

    services = find_services(configure())
    if not services:
        click.echo("foregraph: no service is running; start one with `make run` or `foregraph serve`", err=True)
        context.exit(NOT_RUNNING)
    page = f"{services[-1].url}/graphql"
    click.echo(f"Opening {page}" if open_page(page) else page)


@click.command("mcp")
def mcp_command() -> None:
    """
    Serve tools to an agent over standard input and output.

    It is started by the agent's program, and speaks the Model Context Protocol. A running service has the same tools
    at /mcp.
    """
    from api.cli.running import run_with_address  # noqa: PLC0415 - saves other commands a second
    from api.mcp.stdio import serve_stdio  # noqa: PLC0415 - saves other commands 2 s
    from api.preparing import migrate_graph  # noqa: PLC0415 - saves other commands a second
    from graph.database.sessions import Database  # noqa: PLC0415 - saves other commands half a second

    chosen = configure()

    async def serve_agent(address: DatabaseAddress) -> None:
        async with Database.open(address) as database:
            await database.verify()
            await migrate_graph(database)
        await serve_stdio(chosen, address)

    run_with_address(serve_agent)


@click.command("migrate")
def migrate_command() -> None:
    """Migrate the database's schema to this version."""
    from api.cli.running import run_with_database  # noqa: PLC0415 - saves other commands a second
    from api.preparing import migrate_graph  # noqa: PLC0415 - saves other commands a second

    applied = run_with_database(migrate_graph)
    click.echo("\n".join(f"applied {name}" for name in applied) if applied else "nothing to apply")


@click.command()
def settings() -> None:
    """List all environment variables."""
    for name, default, meaning in describe_settings():
        click.echo(f"{name}{f' = {default}' if default else ''}\n    {meaning}")


def _serve(*, sample: bool, **overrides: object) -> None:
    chosen = configure(**overrides)

    async def prepare(database: "Database") -> None:
        from api.preparing import prepare_graph  # noqa: PLC0415 - imported in a thread while Neo4j starts

        await prepare_graph(database, chosen.sample if sample else Sample.NONE)

    try:
        service.serve(chosen, prepare, click.echo)
    except KeyboardInterrupt:  # while the database started or stopped; a requested stop is no failure
        click.echo("foregraph: stopped", err=True)


COMMANDS: Final = (up, serve, status_command, open_command, mcp_command, migrate_command, settings)
