"""How far a long command has come."""

import io

from rich.console import Console

from api.progress import LINE_SECONDS, Lines, showing


class Clock:
    """A time that is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time that was set last."""
        return self.now


def test_a_line_tells_what_is_done_and_left() -> None:
    """The rate counts from the first rows on, since the checks before them take time of their own."""
    clock, lines = Clock(), list[str]()
    show = Lines("Importing a.json", lines.append, clock)

    for seconds, done in ((20, 2_000), (40, 42_000), (60, 82_000)):
        clock.now = 100.0 + seconds
        show(done, 182_000)

    assert lines == [
        "Importing a.json: 2,000 of 182,000 rows",
        "Importing a.json: 42,000 of 182,000 rows, 2,000 a second, 0:01:10 left",
        "Importing a.json: 82,000 of 182,000 rows, 2,000 a second, 0:00:50 left",
    ]


def test_lines_are_some_seconds_apart() -> None:
    """However often rows are reported; a command that ends sooner writes none."""
    clock, lines = Clock(), list[str]()
    show = Lines("Importing a.json", lines.append, clock)

    for number in range(1_000):
        clock.now = 100.0 + number * 0.02
        show(number, 1_000)

    assert len(lines) == int(999 * 0.02 // LINE_SECONDS)


def shown(*, is_terminal: bool) -> str:
    """What a console gets of an import whose rows are done in two steps."""
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=120)
    with showing("Importing a.json", console) as show:
        show(1_000, 4_000)
        show(3_000, 4_000)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_gets_a_bar_with_the_rows_done() -> None:
    """Beside the rate and the time left."""
    text = shown(is_terminal=True)

    assert "Importing a.json" in text
    assert "3000/4000" in text


def test_a_log_gets_nothing_of_a_short_command() -> None:
    """A bar would be drawn over and over there."""
    assert shown(is_terminal=False) == ""
