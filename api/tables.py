"""Answers to questions over the network, as tables for a terminal."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from graph.inference.network.diagnostics import Diagnostics
from graph.network.questions import Shift, WhatIf

PLAIN_WIDTH = 140
"""Width where output is no terminal, so that most titles are whole in a file."""


def open_console() -> Console:
    """A console on standard output, as wide as the terminal, or PLAIN_WIDTH for a file."""
    console = Console()
    return console if console.is_terminal else Console(width=PLAIN_WIDTH)


def list_what_if_ids(found: WhatIf) -> list[str]:
    """The ids of all claims in an answer."""
    return [shift.claim_id for shift in (*found.supposed, *found.implied, *found.shifts)]


def print_what_if(found: WhatIf, titles: Mapping[str, str], console: Console) -> None:
    """
    Print an answer: the supposed outcomes and those that follow, the claims that move, and diagnostics.

    Args:
        found: The answer.
        titles: The claims' titles, by id.
        console: Where to print.
    """
    for shift in (*found.supposed, *found.implied):
        outcome = "true" if shift.after else "false"
        console.print(Text(f"{shift.claim_id} {outcome}, now {shift.before:.3f}: {titles.get(shift.claim_id, '')}"))
    if found.shifts:
        console.print(_table(found.shifts, titles))
    console.print(Text("; ".join(_describe(found))))


def _table(shifts: Sequence[Shift], titles: Mapping[str, str]) -> Table:
    table = Table()
    is_sampled = any(shift.standard_error is not None for shift in shifts)
    table.add_column("claim", overflow="fold")
    # A column that may not wrap keeps its width and squeezes the others, so only its cells may not.
    table.add_column("title")
    for name in ("before", "after", "delta", *(("± error",) if is_sampled else ())):
        table.add_column(name, justify="right", no_wrap=True)
    for shift in shifts:
        error = "" if shift.standard_error is None else f"{shift.standard_error:.3f}"
        figures = [f"{shift.before:.3f}", f"{shift.after:.3f}", f"{shift.delta:+.3f}", *([error] if is_sampled else ())]
        title = Text(titles.get(shift.claim_id, ""), no_wrap=True, overflow="ellipsis")
        table.add_row(Text(shift.claim_id), title, *figures)
    return table


def _describe(found: WhatIf) -> Iterable[str]:
    basis, diagnostics = found.basis, found.basis.diagnostics
    yield f"{found.num_shifted} of {basis.num_claims} claims move, {len(found.shifts)} shown"
    yield _describe_method(diagnostics)
    yield f"revision {basis.state.revision}, beliefs as of {basis.as_of:%Y-%m-%d %H:%M} UTC"


def _describe_method(diagnostics: Diagnostics) -> str:
    parts = [diagnostics.method.value, "converged" if diagnostics.converged else diagnostics.reason]
    if diagnostics.iterations is not None:
        parts.append(f"{diagnostics.iterations} sweeps")
    if diagnostics.num_samples:
        parts.append(f"{diagnostics.num_matching} of {diagnostics.num_samples} samples, seed {diagnostics.seed}")
    return ", ".join([*parts, f"{diagnostics.seconds:.3f} s"])
