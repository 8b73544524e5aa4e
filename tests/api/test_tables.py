"""Tables of answers, as they are printed to a terminal and to a file."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from typing import cast

import pytest
from rich.console import Console

from api.tables import PLAIN_WIDTH, list_what_if_ids, open_console, print_what_if
from graph.inference.network.diagnostics import Diagnostics, Method
from graph.network.questions import Basis, Shift, Supposed, WhatIf
from graph.network.view import State

TITLES = {"K_1": "The lights go out", "P_1": "Chips are made", "P_2": "Rockets [fly] :rocket:"}
EXACT = Diagnostics(Method.EXACT, converged=True, reason="", seconds=0.0124)
LBP = replace(EXACT, method=Method.LBP, converged=False, reason="the messages still move", iterations=500)
SAMPLE = replace(EXACT, method=Method.SAMPLE, num_samples=65_536, num_matching=4_321, seed=7)


def what_if(diagnostics: Diagnostics = EXACT, error: float | None = None, num_shown: int = 2) -> WhatIf:
    """A killer supposed to come true, and the claims that it moves."""
    shifts = (
        Shift("P_1", 0.5, 0.1234, -0.3766, error, Method.EXACT),
        Shift("P_2", 0.2, 0.45678, 0.25678, error, Method.EXACT),
    )[:num_shown]
    moment = datetime(2026, 5, 30, 22, 15, 59, tzinfo=UTC)
    return WhatIf(
        shifts=shifts,
        supposed=(
            Shift("K_1", 0.35, 1.0, 0.65, None, Method.EXACT),
            Shift("P_9", 0.25, 0.0, -0.25, None, Method.EXACT),
        ),
        implied=(),
        num_shifted=5,
        basis=Basis(diagnostics, State(12, None), moment, num_claims=10, num_influences=11),
        question=cast("Supposed", None),  # of no matter to tables
        all_deltas={},
    )


def printed(found: WhatIf, titles: Mapping[str, str] = TITLES, width: int = PLAIN_WIDTH) -> list[str]:
    """The lines that are printed."""
    console = Console(file=StringIO(), width=width)
    print_what_if(found, titles, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def cells(lines: list[str]) -> list[list[str]]:
    """The table's cells, row by row."""
    rows = [re.split("[│┃]", line)[1:-1] for line in lines if line[:1] in {"│", "┃"}]
    return [[cell.strip() for cell in row] for row in rows]


def test_each_claim_that_moves_is_a_row() -> None:
    """To three places, the shift with its sign, and the title as it is written, brackets and colons too."""
    assert cells(printed(what_if())) == [
        ["claim", "title", "before", "after", "delta"],
        ["P_1", "Chips are made", "0.500", "0.123", "-0.377"],
        ["P_2", "Rockets [fly] :rocket:", "0.200", "0.457", "+0.257"],
    ]


def test_samples_have_a_column_for_their_errors() -> None:
    """Without samples there are none."""
    header, *rows = cells(printed(what_if(SAMPLE, error=0.0021)))

    assert header[-1] == "± error"
    assert [row[-1] for row in rows] == ["0.002", "0.002"]


def test_what_is_supposed_comes_first() -> None:
    """Each with its outcome, its marginal now and its title, as far as it has one."""
    assert printed(what_if())[:2] == ["K_1 true, now 0.350: The lights go out", "P_9 false, now 0.250: "]


@pytest.mark.parametrize(
    ("diagnostics", "method"),
    [
        (EXACT, "EXACT, converged, 0.012 s"),
        (LBP, "LBP, the messages still move, 500 sweeps, 0.012 s"),
        (SAMPLE, "SAMPLE, converged, 4321 of 65536 samples, seed 7, 0.012 s"),
    ],
)
def test_the_last_line_says_what_the_answer_rests_on(diagnostics: Diagnostics, method: str) -> None:
    """Counts, method, revision and moment."""
    last = f"5 of 10 claims move, 2 shown; {method}; revision 12, beliefs as of 2026-05-30 22:15 UTC"

    assert printed(what_if(diagnostics), width=200)[-1] == last


def test_what_follows_comes_next() -> None:
    """Outcomes that the supposed ones imply are told in the same way."""
    implied = replace(what_if(), implied=(Shift("P_2", 0.2, 0.0, -0.2, None, Method.EXACT),))

    assert printed(implied)[2] == "P_2 false, now 0.200: Rockets [fly] :rocket:"
    assert "P_2" in list_what_if_ids(implied)[2]


def test_no_shift_is_no_table() -> None:
    """A frame around nothing says nothing."""
    lines = printed(what_if(num_shown=0))

    assert cells(lines) == []
    assert lines[-1].startswith("5 of 10 claims move, 0 shown")


def test_titles_are_asked_for_all_claims_shown() -> None:
    """The supposed ones too."""
    assert list_what_if_ids(what_if()) == ["K_1", "P_9", "P_1", "P_2"]


def test_a_file_is_as_wide_as_most_titles_need(capsys: pytest.CaptureFixture[str]) -> None:
    """It has no width of its own."""
    console = open_console()
    console.print("x" * PLAIN_WIDTH)

    assert console.width == PLAIN_WIDTH
    assert capsys.readouterr().out == "x" * PLAIN_WIDTH + "\n"


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_narrow_terminal_shortens_titles_and_nothing_else(width: int) -> None:
    """Ids and figures are what a shift is read for."""
    titles = {"P_1": "Chips are made " * 12, "P_2": "Rockets fly " * 15}
    _, *rows = cells(printed(what_if(), titles, width))

    assert [[row[0], *row[2:]] for row in rows] == [
        ["P_1", "0.500", "0.123", "-0.377"],
        ["P_2", "0.200", "0.457", "+0.257"],
    ]
    assert all(row[1].endswith("…") for row in rows)
