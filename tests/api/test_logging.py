"""Lines of the log: their form, their request and their levels."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any, Literal

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from api.logging import LIBRARY_LEVELS, RequestRecord, _renderers, configure_logging, current_request, get_logger

RESERVED = {"timestamp", "level", "event", "logger", "logger_name", "stack", "exception", "exc_info"}


class Log:
    """A log that can be read again."""

    def __init__(self) -> None:
        self.stream = StringIO()

    def configure(self, log_level: str = "info", log_format: Literal["console", "json"] = "json") -> "Log":
        """Send all logs here."""
        configure_logging(log_format=log_format, log_level=log_level, stream=self.stream)
        return self

    @property
    def text(self) -> str:
        """All of it."""
        return self.stream.getvalue()

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Each line as an object."""
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    """A log; afterwards everything is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in LIBRARY_LEVELS}
    yield Log()
    root.handlers, root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def test_an_entry_is_one_line_with_its_moment_in_utc(log: Log) -> None:
    """Line breaks within it too, since collectors split by line."""
    before = datetime.now(UTC)
    log.configure()
    get_logger().info("two\nlines", n=1, day=datetime(2026, 5, 30, tzinfo=UTC))

    (entry,) = log.entries
    assert (entry["event"], entry["level"], entry["logger"]) == ("two\nlines", "info", "foregraph")
    assert (entry["n"], entry["day"]) == (1, "2026-05-30 00:00:00+00:00")
    assert before <= datetime.fromisoformat(entry["timestamp"]) <= datetime.now(UTC)


def test_entries_of_a_request_carry_its_id(log: Log) -> None:
    """Those of libraries too; what is logged beside any request carries none."""
    log.configure()
    token = current_request.set(RequestRecord("r-1"))
    get_logger().info("ours")
    logging.getLogger("neo4j").error("theirs")
    current_request.reset(token)
    get_logger().info("nobody's")

    assert [entry.get("request_id") for entry in log.entries] == ["r-1", "r-1", None]


def test_an_id_that_an_entry_brings_stays(log: Log) -> None:
    """Such as one of a job's."""
    log.configure()
    token = current_request.set(RequestRecord("r-1"))
    get_logger().info("ours", request_id="own")
    current_request.reset(token)

    assert log.entries[0]["request_id"] == "own"


def test_an_exception_is_part_of_its_entry(log: Log) -> None:
    """With its type and its text, still on one line."""
    log.configure()
    try:
        raise ValueError("expected 1, got 2")
    except ValueError:
        get_logger().exception("it failed")

    (entry,) = log.entries
    (raised,) = entry["exception"]
    assert (raised["exc_type"], raised["exc_value"]) == ("ValueError", "expected 1, got 2")


@pytest.mark.parametrize("name", LIBRARY_LEVELS)
def test_libraries_are_heard_from_their_level_on(log: Log, name: str) -> None:
    """Below it they tell what the service itself does, or nothing of use."""
    log.configure("info")
    logger = logging.getLogger(name)
    levels = [logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL]
    for level in levels:
        logger.log(level, "it is %d", level)

    heard = [f"it is {level}" for level in levels if level >= LIBRARY_LEVELS[name]]
    assert [entry["event"] for entry in log.entries] == heard != []


@pytest.mark.parametrize("name", LIBRARY_LEVELS)
def test_debugging_hears_all_of_libraries(log: Log, name: str) -> None:
    """Even where an earlier configuration had silenced them."""
    log.configure("info").configure("debug")
    logging.getLogger(name).debug("detail")

    assert [entry["event"] for entry in log.entries] == ["detail"]


def test_configuring_again_does_not_repeat_entries(log: Log) -> None:
    """There is one handler, the last."""
    log.configure().configure()
    get_logger().info("once")

    assert len(log.entries) == 1


def test_people_read_plain_lines_where_no_terminal_is(log: Log) -> None:
    """Without the codes that colour it."""
    log.configure(log_format="console")
    get_logger().warning("it leaks", n=1)

    assert "it leaks" in log.text
    assert "n=1" in log.text
    assert "\x1b" not in log.text


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(lambda key: key not in RESERVED),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.lists(st.text(max_size=3)),
        max_size=5,
    ),
    st.text(max_size=40),
    st.sampled_from(["debug", "info", "warning", "error", "critical"]),
)
def test_plain_lines_are_those_of_the_library(fields: dict[str, Any], event: str, level: str) -> None:
    """Written faster, but not otherwise; colours are the library's own."""
    entry = {"timestamp": "2026-05-30T00:00:00Z", "level": level, "event": event, "logger": "foregraph", **fields}
    (renderer,) = _renderers("console", colors=False)
    library = structlog.dev.ConsoleRenderer(colors=False)

    assert renderer(None, level, dict(entry)) == library(None, level, dict(entry))
