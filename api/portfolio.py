"""A portfolio's exposure from the command line: as a table with bars, as JSON, or as CSV to go on with."""

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, BinaryIO, Final

from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.formats import FORMATS
from api.formats.encoders import Ending
from api.tables import open_console
from graph.database.sessions import Database
from graph.errors import InvalidError, counted
from graph.exposure.files import PositionsFile, read_positions_file
from graph.exposure.measuring import Change, Exposure, Grouping, Scope, measure, suppose
from graph.exposure.past import recall_joint
from graph.exposure.positions import Positions, list_shortly
from graph.exposure.store import Holder, get_portfolio
from graph.exposure.table import COLUMNS, ExposureTable, make_table
from graph.inference.network.portfolio import LEVELS, Distribution
from graph.network.engine import Engine
from graph.network.questions import Observation, read_observation

OPERATOR: Final = Holder("", sees_all=True)
"""Whoever runs commands has the database's password."""

MOST_SHOWN: Final = 20
BAR_WIDTH: Final = 24


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A question about a portfolio.

    Attributes:
        file: The positions of a file; None for a stored portfolio.
        name: The name of a stored portfolio; None for a file.
        observations: Supposed outcomes.
        is_intervention: Whether they are brought about.
        as_of: A moment in the past to measure at; None for now.
        is_active: Whether to measure what each weight has more than the benchmark's.
    """

    file: PositionsFile | None
    name: str | None
    observations: tuple[Observation, ...] = ()
    is_intervention: bool = False
    as_of: datetime | None = None
    is_active: bool = False

    @classmethod
    def read(cls, text: bytes | None, name: str | None, what_if: Sequence[str], **options: Any) -> "Asked":
        """
        Read a question from the command line.

        Args:
            text: The content of a file of positions; None without one.
            name: The name of a stored portfolio; None without one.
            what_if: Supposed outcomes, such as `TK17=true`.
            options: The other attributes.

        Raises:
            InvalidError: There are both or neither, or something is wrong in itself.
            BundleError: Lines of the file have problems; the error lists all of them.
        """
        if (text is None) == (name is None):
            raise InvalidError("expected a FILE of positions or --portfolio NAME, and not both")
        file = None if text is None else read_positions_file(decode(text))
        return cls(file, name, tuple(read_observation(given) for given in what_if), **options)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """
    A portfolio's exposure.

    Attributes:
        found: The figures.
        table: The contributions.
        notes: Remarks on what was read: duplicates, unknown symbols, columns passed over.
        shift: The effect of the supposed outcomes; None without any.
    """

    found: Exposure
    table: ExposureTable
    notes: tuple[str, ...]
    shift: Change | None


def decode(text: bytes) -> str:
    """
    Decode a file's content.

    Raises:
        InvalidError: It is not in UTF-8.
    """
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidError(f"expected text in UTF-8, got another byte at {error.start}", path="the file") from error


async def ask(database: Database, asked: Asked) -> Answer:
    """
    Measure a portfolio, and what supposed outcomes would do to it.

    Raises:
        NotFoundError: There is no such portfolio or claim.
        RefusedError: A supposed outcome is refused.
    """
    engine = Engine(sample_patience_seconds=None)
    try:
        async with database.reading() as reading:
            if asked.name is not None:
                held = await get_portfolio(reading, asked.name, OPERATOR, held_at=asked.as_of)
                positions = Positions.stored(held)
            else:
                # Without paths, tickers that the graph does not have are listed and not refused.
                positions = replace(Positions.of(asked.file.positions if asked.file else ()), paths={})
            if asked.is_active and not positions.benchmark:
                raise InvalidError("expected positions with a benchmark's weight, got none", path="--active")
            past = None if asked.as_of is None else await recall_joint(reading, engine, asked.as_of)
            found = await measure(reading, engine, positions, scope=Scope(is_active=asked.is_active), past=past)
            shift = None
            if asked.observations:
                shift, _, _ = await suppose(
                    reading, engine, found, asked.observations, is_intervention=asked.is_intervention, past=past
                )
        return Answer(found, await make_table(database, engine, found), tuple(_notes(asked, found)), shift)
    finally:
        engine.close()


def _notes(asked: Asked, found: Exposure) -> list[str]:
    """Say what was summed, passed over and not found, and what is not of the moment; nothing is left out in silence."""
    holdings, exposed, file = found.book.holdings, found.book.exposed, asked.file
    notes = []
    if asked.as_of is not None:
        num, num_exposures = found.joint.num_reconstructed, found.book.num_reconstructed
        notes.append(
            f"beliefs and exposures are as recorded by {asked.as_of.isoformat()}, of {counted(num, 'claim')} and "
            f"{counted(num_exposures, 'exposure')} as first recorded later; influences are those of now"
        )
    if file is not None:
        notes += [
            f"{symbol} is on lines {', '.join(map(str, lines))}; their sizes were added up"
            for symbol, lines in file.lines.items()
        ]
        notes.append(f"sizes are {' times '.join(file.basis)}")
        if file.ignored:
            notes.append(f"columns passed over: {', '.join(name or '(without a name)' for name in file.ignored)}")
    unknown = [holding.symbol for holding in holdings if not holding.ticker.is_known]
    if unknown:
        notes.append(f"not in the graph: {list_shortly(unknown, 'ticker', most=len(unknown))}")
    silent = [holding.symbol for n, holding in enumerate(holdings) if holding.ticker.is_known and n not in exposed]
    if silent:
        notes.append(f"without an exposure that counts: {list_shortly(silent, 'ticker', most=len(silent))}")
    return notes


def show(answer: Answer, form: str, tell: Callable[[str], None]) -> None:
    """
    Print an answer.

    Args:
        answer: The answer.
        form: `table`, `json` or `csv`.
        tell: Told remarks that are not part of the form.
    """
    if form == "json":
        sys.stdout.write(json.dumps(to_json(answer), indent=2) + "\n")
        return
    if form == "csv":
        write_csv(answer, sys.stdout.buffer)
    else:
        print_answer(answer, open_console())
    for note in answer.notes:
        tell(note)


def write_csv(answer: Answer, file: BinaryIO) -> None:
    """Write the contributions as CSV that no spreadsheet takes for formulas."""
    with closing(FORMATS["csv"].open(COLUMNS)) as encoder:
        rows = answer.table.rows()
        file.write(encoder.add(rows))
        for part in encoder.finish(
            Ending(answer.table.revision, answer.table.is_truncated, answer.table.elapsed_seconds)
        ):
            file.write(part)
    file.flush()


def to_json(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON values."""
    found = answer.found
    return {
        "revision": answer.table.revision,
        "as_of": found.joint.view.moment.isoformat(),
        "expected_relevance": found.expected,
        "gross_relevance": found.gross,
        "benchmark_relevance": found.benchmark,
        "active_relevance": found.active,
        "relevance": _distribution(found.relevance),
        "value_change": None if found.value is None else _distribution(found.value),
        "exposed_weight_share": found.book.share(found.book.exposed),
        "impact_weight_share": found.book.share(found.book.with_impact),
        "what_if": None if answer.shift is None else {"before": answer.shift.before, "after": answer.shift.after},
        "contributions": [dict(zip(COLUMNS, row, strict=True)) for row in answer.table.rows()],
        "tickers": [
            {"symbol": group.key, "expected_relevance": group.expected, "risk_share": group.risk_share}
            for group in found.groups(Grouping.TICKER)
        ],
        "notes": list(answer.notes),
    }


def _distribution(found: Distribution) -> dict[str, Any]:
    return {
        "mean": found.mean,
        "standard_deviation": found.standard_deviation,
        "shortfall": found.shortfall,
        "negative_probability": found.negative_probability,
        "quantiles": dict(zip(map(str, LEVELS), found.quantiles.tolist(), strict=True)),
    }


def print_answer(answer: Answer, console: Console) -> None:
    """Print an answer as a table with a bar for each contribution."""
    found, parts = answer.found, answer.table.contributions
    spread = found.relevance
    console.print(
        Text(
            f"expected relevance {found.expected:+.4g} (gross {found.gross:.4g}), standard deviation "
            f"{spread.standard_deviation:.4g}, mean of the worst 5 % {spread.shortfall:+.4g}, below 0 with "
            f"probability {spread.negative_probability:.3f}"
        )
    )
    if found.benchmark is not None and found.active is not None:
        console.print(Text(f"benchmark {found.benchmark:+.4g}, active {found.active:+.4g}"))
    if answer.shift is not None:
        shift = answer.shift
        console.print(Text(f"what if: {shift.before:+.4g} becomes {shift.after:+.4g}, {shift.delta:+.4g}"))
    if found.value is not None:
        share = found.book.share(found.book.with_impact)
        console.print(
            Text(
                f"change of value by stated impacts ({share:.0%} of the weights): mean {found.value.mean:+.4g}, mean "
                f"of the worst 5 % {found.value.shortfall:+.4g}"
            )
        )
    if parts:
        console.print(_contributions(answer))
    rest = len(parts) - MOST_SHOWN
    more = f"; {rest} more are in --csv and --json" if rest > 0 else ""
    moment = found.joint.view.moment
    console.print(
        Text(
            f"{found.book.share(found.book.exposed):.0%} of the weights have an exposure; revision "
            f"{answer.table.revision}, beliefs as of {moment:%Y-%m-%d %H:%M} UTC{more}"
        )
    )


def _contributions(answer: Answer) -> Table:
    table = Table()
    table.add_column("prediction", overflow="fold")
    table.add_column("title")
    for name in ("probability", "expected", "risk share", "worst lift"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("harm | benefit", width=BAR_WIDTH, no_wrap=True)
    shown = answer.table.contributions[:MOST_SHOWN]
    largest = max(abs(part.expected) for part in shown) or 1.0
    for part in shown:
        lift = f"{part.worst_probability / part.probability:.2f}" if part.probability else ""
        begin, end = sorted((0.0, part.expected))
        table.add_row(
            Text(part.claim_id),
            Text(answer.table.titles.get(part.claim_id, ""), no_wrap=True, overflow="ellipsis"),
            f"{part.probability:.3f}",
            f"{part.expected:+.4g}",
            f"{part.risk_share:+.3f}",
            lift,
            Bar(2.0 * largest, begin + largest, end + largest, width=BAR_WIDTH),
        )
    return table
