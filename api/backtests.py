"""Backtests as a table for a terminal, and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from api.tables import open_console
from graph.inference.backtest import Backtest, MomentScore, PolicyScores


def to_json(found: Backtest) -> dict[str, Any]:
    """Return a backtest as JSON."""
    return asdict(found)


def print_backtest(found: Backtest, console: Console | None = None) -> None:
    """
    Print the scores of each policy, and how surely each is better than the one that they are compared with.

    Args:
        found: The backtest.
        console: Where to print; standard output if left out.
    """
    console = console or open_console()
    console.print(
        f"{found.num_forecasts:,} forecasts by {found.num_predictors:,} predictors on {found.num_questions:,} questions"
    )
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("policy", no_wrap=True)
    for name in ("Brier", "¼", "½", "¾", "last", "over time", "log", "baseline", "peer", "skill"):
        table.add_column(name, justify="right", no_wrap=True)
    for scores in found.policies:
        table.add_row(*_cells(scores))
    console.print(table)
    for line in _comparisons(found):
        console.print(line, soft_wrap=True)


def _cells(scores: PolicyScores) -> Iterator[str]:
    yield scores.policy
    for score in scores.moments:
        yield _figure(score.brier)
    yield _figure(scores.time_weighted_brier)
    yield _figure(_at_statement(scores).log_score)
    yield f"{scores.baseline_score:.1f}"
    yield "" if scores.peer_score is None else f"{scores.peer_score:+.1f}"
    yield "" if scores.skill is None else f"{scores.skill:+.1%}"


def _comparisons(found: Backtest) -> Iterator[str]:
    """Yield a line for each policy that is compared with another: the difference, its intervals, and the advice."""
    for scores in found.policies:
        difference = scores.difference
        if difference is None:
            continue
        intervals = ", ".join(
            f"{each.low:+.4f} to {each.high:+.4f} over {clusters}"
            for each, clusters in ((difference.by_predictor, "predictors"), (difference.by_question, "questions"))
        )
        advice = "recommended" if scores.is_recommended else "not recommended"
        yield f"{scores.policy}: Brier {difference.mean:+.4f} against {found.against} ({intervals}): {advice}"


def _at_statement(scores: PolicyScores) -> MomentScore:
    return scores.moments[0]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
