"""Commands that ask the network, and draw it."""

from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import click

from api.cli.running import moment_of, require_migrated, run_reading, run_with_database, tell
from graph.database.sessions import Database

_method = click.option(
    "--method",
    type=click.Choice(["AUTO", "EXACT", "SAMPLE", "LBP"], case_sensitive=False),
    default="AUTO",
    show_default=True,
    help="AUTO takes the best that fits, part by part; EXACT needs a small network.",
)


@click.command("whatif")
@click.argument("observations", nargs=-1, required=True, metavar="CLAIM=true|false...")
@click.option("--intervene", is_flag=True, help="Intervene: set the outcomes without inference back to their causes.")
@_method
@click.option("--samples", type=int, help="For sampling: number of joint samples.")
@click.option("--seed", type=int, help="For sampling: seed of the random numbers.")
@click.option("--first", type=click.IntRange(1), default=20, show_default=True, help="How many claims to list.")
def what_if_command(
    observations: tuple[str, ...], *, intervene: bool, method: str, samples: int | None, seed: int | None, first: int
) -> None:
    """
    Show how claims would move if others resolved.

    As in `foregraph whatif TK17=true S_AGI=false`.
    """
    from api.questions import Question, ask, show  # noqa: PLC0415 - saves commands that do without 0.1 s

    question = Question.read(observations, is_intervention=intervene, method=method, samples=samples, seed=seed)

    async def work(database: Database) -> Any:
        await require_migrated(database)
        return await ask(database, question, first=first)

    show(run_with_database(work))


@click.command("exposure", epilog="Example: foregraph exposure positions.csv --what-if IL_K_AI_WINTER=true")
@click.argument("file", type=click.File("rb"), required=False, metavar="[FILE]")
@click.option("--portfolio", "name", help="Name of a stored portfolio, in place of FILE.")
@click.option("--what-if", multiple=True, metavar="CLAIM=true|false", help="Supposed outcome; repeat it for more.")
@click.option("--intervene", is_flag=True, help="Set the outcomes without inference back to their causes.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Moment in the past, in UTC, to measure at; influences are those of now.",
)
@click.option("--active", is_flag=True, help="Measure what each position has more than the benchmark.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--csv", "form", flag_value="csv", help="Print the contributions as CSV.")
def exposure_command(
    file: BinaryIO | None,
    name: str | None,
    what_if: tuple[str, ...],
    as_of: datetime | None,
    form: str | None,
    *,
    intervene: bool,
    active: bool,
) -> None:
    """
    Show what a portfolio hangs on.

    FILE has comma-separated values, `-` is standard input: the columns symbol and weight, or value, or quantity and
    price, and perhaps benchmark_weight. Faults are listed by line. Symbols that come several times are added up, and
    those that the graph does not have are listed.
    """
    from api.portfolio import Asked, ask, show  # noqa: PLC0415 - saves commands that do without 0.1 s

    moment = None if as_of is None else as_of.replace(tzinfo=UTC)
    text = None if file is None else file.read()
    asked = Asked.read(text, name, what_if, is_intervention=intervene, as_of=moment, is_active=active)

    async def work(database: Database) -> Any:
        await require_migrated(database)
        return await ask(database, asked)

    show(run_with_database(work), form or "table", tell)


@click.command("propagate")
@_method
@click.option("--dry-run", is_flag=True, help="Compute, and store nothing.")
@click.pass_context
def propagate_command(context: click.Context, method: str, *, dry_run: bool) -> None:
    """
    Compute and store every claim's marginal.

    Exit code 1 if the inference over the network does not converge.
    """
    from api.questions import propagate_by  # noqa: PLC0415 - saves other commands some time

    async def work(database: Database) -> dict[str, Any]:
        await require_migrated(database)
        return await propagate_by(database, method, is_dry_run=dry_run)

    payload = run_with_database(work)
    run = payload["run"]
    stored = f"{payload['num_stored']} marginals {'would be ' if dry_run else ''}stored"
    click.echo(f"{run['method']} over {run['num_claims']} claims in {run['duration_seconds']:.2f} s: {stored}")
    if not run["converged"]:
        click.echo(f"foregraph: {run['reason']}; the last good marginals stay", err=True)
        context.exit(1)


@click.group()
def draw() -> None:
    """Draw a picture of the graph as SVG."""


_as_of = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Moment of the beliefs, in UTC; now by default.",
)


@draw.command("neighborhood")
@click.argument("claim_id", metavar="CLAIM")
@click.option("--depth", type=click.IntRange(1, 4), default=1, show_default=True, help="How many steps to show.")
@_as_of
def draw_neighborhood_command(claim_id: str, *, depth: int, as_of: datetime | None) -> None:
    """Draw what bears on a claim, and what it bears on."""
    from api.drawing.neighborhood import draw_neighborhood  # noqa: PLC0415 - saves other commands some time

    moment = moment_of(as_of)
    click.echo(run_reading(lambda unit: draw_neighborhood(unit, claim_id, depth=depth, moment=moment)), nl=False)


@draw.command("history")
@click.argument("claim_id", metavar="CLAIM")
@_as_of
def draw_history_command(claim_id: str, *, as_of: datetime | None) -> None:
    """Draw a claim's belief over time."""
    from api.drawing.history import draw_history  # noqa: PLC0415 - saves other commands some time

    moment = moment_of(as_of)
    click.echo(run_reading(lambda unit: draw_history(unit, claim_id, moment=moment)), nl=False)


COMMANDS: Final = (what_if_command, exposure_command, propagate_command, draw)
