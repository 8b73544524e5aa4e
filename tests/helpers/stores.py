"""Data directories of Neo4j with the schema in them, so that not every server that tests start applies it anew."""

import asyncio
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import cypher
from graph.database import migrations
from graph.database.address import DatabaseAddress
from graph.database.migrations import migrate
from graph.database.sessions import Database
from graph.sample.training import TRAINING
from graph.server import DEFAULT_RELEASE, EmbeddedServer, Software
from graph.server.files import locked
from graph.server.releases import get_release

FOLDER = Path(__file__).parents[2] / ".build" / "stores"
PATIENCE_SECONDS = 300
"""How long a Neo4j may take to start on a busy machine, and another run to make the store."""
OLDER = Path(__file__).parents[1] / "fixtures" / "stores"
PARTS = ("password", "release", "neo4j-home/data")


def copy_migrated_store(to: Path) -> None:
    """
    Make a data directory of the newest release with an empty graph that is migrated.

    Applying the schema takes ten times the processor time of a start with it. The store is kept for later runs, and
    for those that go on side by side, until a migration or what applies them changes.
    """
    kept = FOLDER / _name()
    with locked(FOLDER / f"{kept.name}.lock", PATIENCE_SECONDS) as is_mine:
        assert is_mine, f"{kept}: another run has not made it in {PATIENCE_SECONDS} s"
        if not kept.exists():
            _make(kept)
    for part in PARTS:
        source, target = kept / part, to / part
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)


def _name() -> str:
    code = [Path(migrations.__file__), *sorted((Path(cypher.__file__).parent / "schema").glob("*.cypher"))]
    content = b"".join(sha256(file.read_bytes()).digest() for file in code)
    return f"{get_release(DEFAULT_RELEASE).version}-{sha256(content).hexdigest()[:16]}"


def _make(kept: Path) -> None:
    unfinished = kept.with_name(f"{kept.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    software = Software(training=TRAINING)
    with EmbeddedServer(unfinished, software=software, startup_timeout_seconds=PATIENCE_SECONDS) as server:
        endpoint = server.start()
        address = DatabaseAddress(endpoint.uri, endpoint.user, endpoint.password, endpoint.database)
        with ThreadPoolExecutor() as thread:  # this one may have an event loop of its own
            thread.submit(asyncio.run, _migrate(address)).result()
    unfinished.rename(kept)


async def _migrate(address: DatabaseAddress) -> None:
    async with Database.open(address) as database:
        await migrate(database)


def unpack_older_store(release: str, to: Path) -> None:
    """Make the data directory that the version before left, by a release of Neo4j, with a backup of it."""
    with tarfile.open(OLDER / f"neo4j-{release}.tar.xz") as archive:
        archive.extractall(to, filter="data")
