"""Backtests of the graph's own forecasts: reads what was recorded about resolved claims, and replays it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from graph.database.sessions import Database
from graph.errors import InvalidError, NotFoundError
from graph.inference.backtest import Backtest, backtest
from graph.inference.records import ForecastRecord, Forecasts, LedgerRows, ResolvedQuestions
from graph.inference.replaying import REPLAYS, STATED
from graph.inference.time import moments_of, windows_of
from graph.ledger.claim_state import CHECK_IN_MISSED

PAGE_CLAIMS: Final = 1_000
MOST_FORECASTS: Final = 250_000
"""Forecasts of one backtest, some two minutes of a processor."""


async def run_backtest(
    database: Database,
    policies: Sequence[str] = tuple(REPLAYS),
    *,
    against: str = STATED,
    most_forecasts: int = MOST_FORECASTS,
) -> Backtest:
    """
    Replay all forecasts on resolved claims under some policies, and score them side by side.

    A claim's stated probability is its maker's first forecast, stated at the start of its window. Forecasts that were
    retracted are left out, as are those recorded after the outcome.

    Args:
        database: The database to read.
        policies: Names, of `REPLAYS`.
        against: Name of the policy that the others are compared with.
        most_forecasts: Number of forecasts above which the backtest is refused.

    Raises:
        InvalidError: A name is unknown, or there are more forecasts.
        NotFoundError: There is no forecast on a resolved claim.
    """
    for name in (*policies, against):
        if name not in REPLAYS:
            message = f"expected one of {', '.join(REPLAYS)}, got {name!r:.80}"
            raise InvalidError(message, path="policies" if name in policies else "against")
    record = await read_record(database, most_forecasts)
    try:
        return await asyncio.to_thread(backtest, record, policies, against=against)
    except ValueError as error:
        raise NotFoundError(str(error)) from error


async def read_record(database: Database, most_forecasts: int = MOST_FORECASTS) -> ForecastRecord:
    """
    Read forecasts, outcomes and ledgers of all resolved claims.

    Raises:
        InvalidError: There are more forecasts than `most_forecasts`.
    """
    reader = _Reader()
    after = ""
    while True:
        page = await _read_page(database, after)
        await asyncio.to_thread(reader.add, page["questions"])
        if reader.num_forecasts > most_forecasts:
            message = f"expected at most {most_forecasts:,} forecasts on resolved claims, got more"
            raise InvalidError(message)
        if page["num_claims"] < PAGE_CLAIMS:
            return await asyncio.to_thread(reader.record)
        after = page["last_id"]


async def _read_page(database: Database, after: str) -> dict[str, Any]:
    (page,) = await database.read(lambda unit: unit.run("forecasts/list_questions", after=after, limit=PAGE_CLAIMS))
    return page


@dataclass(slots=True)
class _Numbers:
    """Numbers given to names, in the order in which they come."""

    known: dict[str, int] = field(default_factory=dict)

    def of(self, name: str) -> int:
        return self.known.setdefault(name, len(self.known))


class _Reader:
    """Rows of the statement as arrays."""

    def __init__(self) -> None:
        self._questions: list[tuple[Any, ...]] = []
        self._forecasts: list[tuple[Any, ...]] = []
        self._rows: list[tuple[Any, ...]] = []
        self._predictors = _Numbers()
        self._clusters = _Numbers()

    @property
    def num_forecasts(self) -> int:
        """Number of forecasts so far."""
        return len(self._forecasts)

    def add(self, questions: Sequence[Sequence[Any]]) -> None:
        """Add a page of questions."""
        for outcome, stated, maker, base_rate, from_year, start, end, moments, forecasts, ledger in questions:
            at = len(self._questions)
            self._questions.append((outcome, base_rate, from_year, start, end, *moments))
            standing = list(_standing(forecasts))
            if stated is not None and all(predictor != maker for _, predictor, *_ in standing):
                start_of_window = _start_of(from_year, start, end)
                if start_of_window is not None:
                    standing.append((f"maker of {at}", maker or f"maker of {at}", stated, start_of_window, None))
            for forecast_id, predictor, probability, moment, cluster in standing:
                name = f"forecast {forecast_id}" if cluster is None else f"cluster {cluster}"
                numbers = self._predictors.of(predictor), self._clusters.of(name)
                self._forecasts.append((at, *numbers, probability, moment))
            for moment, llr, adjusted, predictor, kind in ledger:
                number = -1 if predictor is None else self._predictors.of(predictor)
                silent = kind == CHECK_IN_MISSED
                self._rows.append((at, moment, 0.0 if silent else llr, adjusted or 0.0, number))

    def record(self) -> ForecastRecord:
        """Return all that was added."""
        outcomes, base_rates, from_years, starts, ends, resolved, known = _columns(self._questions, 7)
        resolved_at, known_at = moments_of(resolved), moments_of(known)
        first, last = windows_of(from_years, starts, ends)
        questions = ResolvedQuestions(
            first,
            last,
            np.array([np.nan if rate is None else rate for rate in base_rates], np.float64),
            np.array(outcomes, np.bool_),
            resolved_at,
            # What came in with its claim was known when it says that it was.
            np.where(np.isnat(known_at), resolved_at, np.fmax(known_at, resolved_at)),
        )
        of, predictors, clusters, probabilities, moments = _columns(sorted(self._forecasts, key=_in_order(4)), 5)
        forecasts = Forecasts(
            np.array(of, np.intp),
            np.array(predictors, np.int64),
            np.array(clusters, np.int64),
            np.array(probabilities, np.float64),
            moments_of(moments),
        )
        of, moments, llrs, adjusted, predictors = _columns(sorted(self._rows, key=_in_order(1)), 5)
        rows = LedgerRows(
            np.array(of, np.intp),
            moments_of(moments),
            np.array(llrs, np.float64),
            np.array(adjusted, np.float64),
            np.array(predictors, np.int64),
        )
        return ForecastRecord(questions, forecasts, rows)


def _standing(forecasts: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield forecasts that were not retracted, without the retractions."""
    retracted = {retracts for *_, retracts in forecasts if retracts is not None}
    for forecast_id, predictor, probability, moment, cluster, _ in forecasts:
        if probability is not None and forecast_id not in retracted:
            yield forecast_id, predictor, probability, moment, cluster


def _start_of(from_year: int | None, start: int | None, end: int | None) -> int | None:
    first, _ = windows_of([from_year], [start], [end])
    return None if np.isnat(first[0]) else int(first.astype(np.int64)[0])


def _columns(rows: Sequence[tuple[Any, ...]], num_columns: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(num_columns)]


def _in_order(moment: int) -> Any:
    """Return the sort key of rows by question and moment; ties by predictor, so that no order of reading matters."""
    return lambda row: (row[0], row[moment], row[1:])
