"""Commands about beliefs and the ledger that they follow from."""

import json
from pathlib import Path
from typing import Any, Final

import click

from api.cli.running import require_migrated, run_with_database
from api.preparing import migrate_graph
from graph.database.sessions import Database
from graph.errors import counted
from graph.inference.policies import POLICIES
from graph.ledger.derived import adopt_policy, rebuild, refresh_posteriors, verify
from graph.network.contradictions import SCAN_TIMEOUT_SECONDS, list_stored_faults
from graph.outcomes.sweep import SweepReport, sweep
from graph.subjects.search_words import make_searchable


@click.command("backtest")
@click.option("--policy", "policies", multiple=True, metavar="NAME", help="Policy to score; all if left out.")
@click.option("--against", default="stated", show_default=True, metavar="NAME", help="Policy to compare them with.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw their calibration to this SVG file."
)
def backtest_command(policies: tuple[str, ...], against: str, *, as_json: bool, plot: Path | None) -> None:
    """
    Score policies side by side on the graph's own forecasts.

    All forecasts on resolved claims are replayed as they were recorded. A policy is recommended only if its Brier score
    is better beyond doubt: the intervals of the difference, over predictors and over questions, end below 0.
    """
    from api.backtests import print_backtest, to_json  # noqa: PLC0415 - saves other commands some time
    from api.drawing.calibration import draw_calibration  # noqa: PLC0415 - saves other commands some time
    from graph.forecasts.backtesting import run_backtest  # noqa: PLC0415 - saves other commands some time
    from graph.inference.replaying import REPLAYS  # noqa: PLC0415 - saves other commands some time

    async def work(database: Database) -> Any:
        await require_migrated(database)
        return await run_backtest(database, policies or tuple(REPLAYS), against=against)

    found = run_with_database(work)
    if plot is not None:
        plot.write_text(draw_calibration(found), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(to_json(found), indent=2))
    else:
        print_backtest(found)


@click.command("sweep")
@click.option("--dry-run", is_flag=True, help="Report what would be found, and change nothing.")
def sweep_command(*, dry_run: bool) -> None:
    """
    Mark overdue milestones, and record missed check-ins.

    Each missed check-in is recorded in the ledger once.
    """

    async def work(database: Database) -> SweepReport:
        await require_migrated(database)
        return await sweep(database, is_dry_run=dry_run)

    report = run_with_database(work)
    for failure in report.failures:
        click.echo(f"foregraph: {failure}", err=True)
    click.echo(report.summary(is_dry_run=dry_run))


@click.command("verify")
@click.option("--most", default=100, show_default=True, help="How many to list at most, of either.")
@click.pass_context
def verify_command(context: click.Context, most: int) -> None:
    """
    Compare stored beliefs with the ledger.

    Every belief is recomputed, bit for bit, and what differs is listed. Also lists influences and exposures that
    contradict their kind or sign, or each other. Writes refuse these, but a graph made by an older version may have
    some. Exit code 1 if anything is listed.
    """

    async def work(database: Database) -> tuple[int, list[str], list[str]]:
        await require_migrated(database)
        num_claims = 0

        def count(num: int) -> None:
            nonlocal num_claims
            num_claims += num

        differences = [str(found) async for found in verify(database, on_progress=count)]
        contradictions = await database.read(list_stored_faults, timeout_seconds=SCAN_TIMEOUT_SECONDS)
        return num_claims, differences, [str(found) for found in contradictions]

    num_claims, differences, contradictions = run_with_database(work)
    for line in (*differences[:most], *contradictions[:most]):
        click.echo(line)
    found = f"{len(differences)} differences, {counted(len(contradictions), 'contradiction')}"
    click.echo(f"{num_claims} claims verified, {found}")
    if differences or contradictions:
        context.exit(1)


@click.command("rebuild")
@click.option("--policy", type=click.Choice(list(POLICIES)), help="The policy that beliefs follow from now on.")
@click.option("--search", "and_search", is_flag=True, help="Make the words of search anew as well, of all nodes.")
def rebuild_command(policy: str | None, *, and_search: bool) -> None:
    """
    Recompute all that is stored beside the ledger.

    These are beliefs, the keys that order claims by them, and predictors' records. With a policy, beliefs follow it
    from now on; what they were before stays as it was, for questions about the past.
    """

    async def work(database: Database) -> int:
        await migrate_graph(database)
        if and_search:
            await make_searchable(database)
        return await rebuild(database) if policy is None else await adopt_policy(database, policy)

    click.echo(f"rebuilt {run_with_database(work)} claims")


@click.command("refresh")
def refresh_command() -> None:
    """
    Recompute stored posteriors as of now.

    Posteriors change with time alone.
    """

    async def work(database: Database) -> int:
        await require_migrated(database)
        return await refresh_posteriors(database)

    click.echo(f"refreshed {run_with_database(work)} posteriors")


COMMANDS: Final = (backtest_command, sweep_command, verify_command, rebuild_command, refresh_command)
