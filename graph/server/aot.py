"""
Java's ahead-of-time cache, with which Neo4j starts in half the time.

It is made once for a release, a Java and a platform, by a training run: a Neo4j on a home of its own that answers a few
statements and stops. The run takes half a minute, so it is made beside a server that is ready, and gives way to it.
"""

import asyncio
import contextlib
import hashlib
import logging
import platform
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final, LiteralString

import neo4j

from cypher import list_migrations
from graph.database.statements import list_statements, statement
from graph.errors import ForegraphError
from graph.server.artifacts import sha256_of
from graph.server.files import locked, write_atomically
from graph.server.home import Home
from graph.server.installation import Installation
from graph.server.java import FIRST_WITH_AOT_CACHE
from graph.server.launch import Endpoint, Launch, launch

_log = logging.getLogger(__name__)

_START_SECONDS: Final = 180.0  # at the lowest priority, on a busy machine
_WRITE_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 0.2
_NICENESS: Final = 19
_USE: Final = (
    "-XX:AOTMode=on",  # end at once when the cache does not fit, so that we notice and make a new one
    "-Xlog:aot*=error",  # Java 25 warns of some code in the cache that it does without
)

_TRAINING: Final = 2  # rises with what the training run does, so that caches are made anew

_REFUSALS: Final = ("[error][aot", "A fatal error has been detected by the Java Runtime")

_STATEMENTS: Final = (
    "CREATE CONSTRAINT training IF NOT EXISTS FOR (n:Training) REQUIRE n.id IS UNIQUE",
    "CREATE INDEX training_number IF NOT EXISTS FOR (n:Training) ON (n.number)",
    "CREATE FULLTEXT INDEX training_text IF NOT EXISTS FOR (n:Training) ON EACH [n.text]",
    "CALL db.awaitIndexes(60)",
    "UNWIND range(1, 500) AS i MERGE (n:Training {id: toString(i)}) SET n.number = i / 500.0, n.text = 'claim ' + i",
    "MATCH (a:Training), (b:Training) WHERE a.number < b.number WITH a, b LIMIT 500 CREATE (a)-[:BEFORE]->(b)",
    "MATCH (n:Training) RETURN n {.*, next: COLLECT { MATCH (n)-->(m) RETURN m.id }} ORDER BY n.number LIMIT 20",
    "MATCH path = (:Training {id: '1'})-[:BEFORE*1..3]->(:Training) RETURN count(path), avg(length(path))",
    "CALL db.index.fulltext.queryNodes('training_text', 'claim') YIELD node, score RETURN node.id, score LIMIT 5",
    "EXPLAIN MATCH (n:Training) RETURN n.text, datetime() LIMIT 1",
    "MATCH (n:Training) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 100 ROWS",
)


class AotCache:
    """The cache of one installation; on a Java that has none it stays empty."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._installation = installation
        release, java = installation.release, installation.java
        lock_checksum = hashlib.sha256(release.lock.read_bytes()).hexdigest()[:12]
        self._stem = (
            f"neo4j-{release.version}-{lock_checksum}-java{java.version}-{platform.system()}-"
            f"{platform.machine()}-t{_TRAINING}"
        )
        self._folder = folder
        self.path = folder / f"{self._stem}.aot"

    @property
    def is_wanted(self) -> bool:
        """Whether it is still to be made."""
        return self._installation.java.feature_version >= FIRST_WITH_AOT_CACHE and not self.path.exists()

    @property
    def flags(self) -> list[str]:
        """What Java is told, so that it uses the cache if it is there."""
        return [f"-XX:AOTCache={self.path}", *_USE] if self.path.exists() else []

    def discard_if_damaged(self, console_log: Path) -> bool:
        """Removes a cache that is not what was written, or that Java ended over; returns whether it did."""
        if not self.path.exists():
            return False
        said = console_log.read_text(encoding="utf-8", errors="replace") if console_log.exists() else ""
        if self._is_as_written() and not any(sign in said for sign in _REFUSALS):
            return False
        _log.warning("Java's AOT cache was damaged or did not fit; it will be made anew")
        self.path.unlink()
        return True

    @property
    def _checksum_path(self) -> Path:
        return self.path.with_suffix(".sha256")

    def _is_as_written(self) -> bool:
        return self._checksum_path.exists() and self._checksum_path.read_text(encoding="utf-8") == sha256_of(self.path)

    def train(self, cancelled: threading.Event) -> bool:
        """Makes the cache, unless another process is about it; returns whether it was made."""
        with locked(self._folder / f"{self._stem}.lock", 0) as mine:
            if not mine or not self.is_wanted:
                return False
            folder = self._folder / f"{self._stem}.training"
            shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
            try:
                return self._train_in(folder, cancelled)
            except (ForegraphError, neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError, OSError) as error:
                if not cancelled.is_set():
                    _log.warning("Java's AOT cache could not be made; Neo4j starts without: %s", error)
                return False
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def _train_in(self, folder: Path, cancelled: threading.Event) -> bool:
        home, output = Home(folder), folder / "new.aot"
        home.make()
        running = launch(
            self._installation,
            home,
            timeout_seconds=_START_SECONDS,
            extra_flags=[f"-XX:AOTCacheOutput={output}"],
            niceness=_NICENESS,
            grace_seconds=0,
            cancelled=cancelled,
        )
        try:
            _work(running.endpoint, cancelled)
            is_made = _finish(running, cancelled) and output.exists()
        finally:
            running.process.stop()
        if is_made:
            write_atomically(self._checksum_path, sha256_of(output))
            output.replace(self.path)
        return is_made


def _work(endpoint: Endpoint, cancelled: threading.Event) -> None:
    """Lets the server do what ours will do, so that those classes are in the cache."""
    auth = (endpoint.user, endpoint.password)
    with neo4j.GraphDatabase.driver(endpoint.uri, auth=auth, notifications_min_severity="OFF") as driver:
        for text in (*_STATEMENTS, *_own_statements()):
            with driver.session(database=endpoint.database) as session:
                if cancelled.is_set():
                    return
                session.run(text).consume()
    if not cancelled.is_set():
        # The load stands on the layers above, which start and stop servers but never wait for this thread.
        from graph.server.training import exercise  # noqa: PLC0415 - it imports what imports this module

        asyncio.run(exercise(endpoint))


def _own_statements() -> Iterator[LiteralString]:
    """Our schema, and then our statements for the planner, whose own warming up is half of a first query's time."""
    for migration in list_migrations():
        yield from migration.statements
    for name in list_statements():
        yield f"EXPLAIN {statement(name)}"


def _finish(running: Launch, cancelled: threading.Event) -> bool:
    """Stops the trained server, which writes the cache as it ends."""
    if cancelled.is_set():
        return False
    running.process.terminate()
    waited = 0.0
    while waited < _WRITE_SECONDS and not cancelled.is_set():
        with contextlib.suppress(TimeoutError):
            return running.process.wait(_POLL_SECONDS) == 0
        waited += _POLL_SECONDS
    return False
