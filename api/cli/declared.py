"""Commands that print and check what is declared: schemas, statements, clients' documents."""

import difflib
import json
from pathlib import Path
from typing import Final

import click

from api.cli.configuring import configure
from graph.database.statements import list_statements, statement
from graph.errors import InvalidError, counted
from graph.model.bundle import bundle_json_schema
from graph.model.catalogue import describe as describe_graph
from graph.model.catalogue import draw_mermaid


@click.group()
def schema() -> None:
    """Print a schema."""


@schema.command("bundle")
def schema_bundle() -> None:
    """Print the JSON Schema of a bundle."""
    click.echo(json.dumps(bundle_json_schema(), indent=2, ensure_ascii=False))


@schema.command("graph")
@click.option("--mermaid", is_flag=True, help="Print a Mermaid diagram instead.")
def schema_graph(*, mermaid: bool) -> None:
    """Print the graph's labels, relationship types and properties."""
    click.echo(draw_mermaid() if mermaid else describe_graph())


@schema.command("graphql")
def schema_graphql() -> None:
    """Print the GraphQL schema."""
    from resolvers.schema import print_sdl  # noqa: PLC0415 - saves other commands most of a second

    click.echo(print_sdl().rstrip("\n"))


@schema.command("apollo")
def schema_apollo() -> None:
    """Print the possibleTypes and typePolicies for Apollo Client's cache."""
    from resolvers.apollo import cache_configuration  # noqa: PLC0415 - saves other commands most of a second
    from resolvers.schema import build_schema  # noqa: PLC0415

    click.echo(json.dumps(cache_configuration(build_schema()._schema), indent=2))


@click.command("statements")
@click.argument("name", required=False)
def statements_command(name: str | None) -> None:
    """
    List the Cypher statements, or print one.

    NAME is one of those listed.
    """
    names = list_statements()
    if name is None:
        click.echo("\n".join(names))
    elif name in names:
        click.echo(statement(name).rstrip("\n"))
    else:
        close = difflib.get_close_matches(name, names, n=1)
        advice = f"did you mean {close[0]!r}?" if close else "`foregraph statements` lists them all"
        raise InvalidError(f"no statement has the name {name!r}; {advice}")


@click.group("documents")
def documents_command() -> None:
    """Trusted documents of clients."""


@documents_command.command("check", epilog="Example: foregraph documents check web/queries")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def check_documents_command(folder: Path) -> None:
    """
    Check and price all .graphql files below DIR.

    Prints the id of each, and the rows and points of each operation, where variables have no values but their defaults.
    """
    from api.parts import build_limited_schema  # noqa: PLC0415 - saves other commands a second
    from api.tariffs import limits_of  # noqa: PLC0415 - saves other commands some time
    from api.trusted import check_folder  # noqa: PLC0415 - saves other commands some time

    chosen = configure()
    num_faults = 0
    for name, found in check_folder(build_limited_schema(chosen), limits_of(chosen), folder):
        click.echo(f"{found.document_id}  {name}")
        for price in found.operations:
            click.echo(f"  {price.name or 'without a name'}: {price.rows} rows, {price.points} points")
        for fault in found.faults:
            num_faults += 1
            click.echo(f"  fault: {fault}")
    if num_faults:
        raise InvalidError(f"{counted(num_faults, 'fault')} in the documents below {str(folder)!r}")


COMMANDS: Final = (schema, statements_command, documents_command)
