"""Progress of a long command on standard error: a bar on a terminal, a line every few seconds elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

LINE_SECONDS: Final = 5.0
"""The least time between two lines: a log stays short, and nobody takes the command for stuck."""

OnProgress = Callable[[int, int], None]
"""Called with the number of rows done and of all rows."""


@contextmanager
def showing(what: str, console: Console | None = None) -> Iterator[OnProgress]:
    """Show how much of something is done until the block ends, on a console or else on standard error."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield Lines(what, console.out)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class _Rate(TextColumn):
    """The rows done in a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} a second")


class Lines:
    """
    Writes a line now and then: rows done and all rows, rows a second, and the time left at that rate.

    Args:
        what: What is done, such as `importing a.json`.
        write: Writes a line.
        clock: The time in seconds.
    """

    def __init__(self, what: str, write: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._write = write
        self._clock = clock
        self._started = self._last = clock()
        self._first_done: tuple[int, float] | None = None

    def __call__(self, done: int, total: int) -> None:
        """Note how much is done."""
        now = self._clock()
        # What comes before the first row, such as checks, says nothing of how fast rows are.
        first, since = self._first_done = self._first_done or (done, now)
        if now - self._last < LINE_SECONDS:
            return
        self._last = now
        line = f"{self._what}: {done:,} of {total:,} rows"
        if done > first:
            rate = (done - first) / (now - since)
            left = timedelta(seconds=round((total - done) / rate))
            line += f", {rate:,.0f} a second, {left} left"
        self._write(line)
