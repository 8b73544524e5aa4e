"""A graph that the version before left, by either release of Neo4j, is as good as one that this version made."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.preparing import migrate_graph, prepare_graph, require_not_newer
from graph.bundles.restoring import restore
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import ConfigurationError, MigrationDriftError
from graph.ledger.derived import DERIVED_VERSION, read_derived_version, verify
from graph.sample import Sample
from graph.sample.loading import load_samples
from graph.sample.training import TRAINING
from graph.server import DEFAULT_RELEASE, EmbeddedServer, Software
from graph.subjects.search_words import SEARCH_VERSION
from tests.fixtures.stores.make import CLAIM, KEY
from tests.helpers.asking import try_ask_at
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.graph_dump import ask
from tests.helpers.pages import PAGE
from tests.helpers.processes import OF_SHORT_LIVED_JAVA
from tests.helpers.stores import PATIENCE_SECONDS, unpack_older_store
from tests.helpers.writes import submitted

pytestmark = pytest.mark.statements

PAGES = json.loads((Path(__file__).parents[2] / "resolvers" / "seed_pages.json").read_text(encoding="utf-8"))
MADE_AT = datetime(2026, 5, 31, tzinfo=UTC)
OLDER_RELEASE = "5.26"
EVIDENCE = "MATCH (:Claim {id: $id})<-[:UPDATES]-(e:Evidence) RETURN count(e)"


@contextmanager
def started(data_dir: Path, release: str) -> Iterator[DatabaseAddress]:
    """A Neo4j on a data directory."""
    software = Software(release, training=TRAINING)
    server = EmbeddedServer(data_dir, software=software, startup_timeout_seconds=PATIENCE_SECONDS)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in OF_SHORT_LIVED_JAVA.items():
            patch.setenv(name, value)
        found = server.start()
    with server:
        yield DatabaseAddress(found.uri, found.user, found.password, found.database)


@asynccontextmanager
async def upgraded(data_dir: Path, release: str) -> AsyncIterator[Database]:
    """A graph of the version before, prepared as a service does at its start."""
    with started(data_dir, release) as address:
        async with Database.open(address) as database:
            assert 0 < await read_derived_version(database) < DERIVED_VERSION
            await prepare_graph(database, Sample.ALL)
            yield database


async def pages_of(database: Database) -> Mapping[str, Any]:
    """The three pages, as of the day when they were made."""
    answers = {key: await try_ask_at(MADE_AT, database, PAGE, id=key) for key in PAGES}
    assert [answer.errors for answer in answers.values()] == [[]] * len(PAGES)
    return {key: without_stamps(answer.data["prediction"]) for key, answer in answers.items()}


def without_stamps(value: Any) -> Any:
    """What does not depend on the moment of an import."""
    if isinstance(value, Mapping):
        return {name: without_stamps(found) for name, found in value.items() if name not in {"createdAt", "updatedAt"}}
    return [without_stamps(found) for found in value] if isinstance(value, list) else value


async def check(database: Database, expected: Mapping[str, Any]) -> None:
    """The pages are those of the sample, everything stored equals what is computed anew, and writes go on."""
    found = await pages_of(database)
    assert found == expected
    chains = {key: [row["rawMetadata"] for row in page["evidence"]["nodes"]] for key, page in found.items()}
    shown = {key: [json.loads("\n".join(lines)) for lines in page["evidence_chain"]] for key, page in PAGES.items()}
    assert chains == shown

    ((num_before,),) = await ask(database, EVIDENCE, id=CLAIM)
    assert (await submitted(CLAIM, KEY)(database)).is_replayed
    await submitted(CLAIM, "a key of now")(database)
    assert await ask(database, EVIDENCE, id=CLAIM) == [[num_before + 1]]
    assert [str(difference) async for difference in verify(database)] == []


@pytest.fixture
async def expected(database: Database) -> Mapping[str, Any]:
    """The pages of a graph into which this version imported the samples."""
    await import_once(database, load_samples(Sample.ALL))
    return await pages_of(database)


async def test_a_graph_of_the_version_before_is_upgraded_in_place(
    expected: Mapping[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Once, and together with Neo4j where this is newer; the older release then refuses the data."""
    release = request.config.getoption("--neo4j-release")
    unpack_older_store(OLDER_RELEASE, tmp_path)

    async with upgraded(tmp_path, release) as database:
        await check(database, expected)

        assert await read_derived_version(database) == DERIVED_VERSION
        assert await migrate_graph(database) == ()

    if release == DEFAULT_RELEASE:
        with (
            pytest.raises(ConfigurationError, match=r"5\.26\.30 is older and cannot read it"),
            started(tmp_path, OLDER_RELEASE),
        ):
            pass


@pytest.mark.one_release
async def test_a_backup_of_the_version_before_is_restored(
    expected: Mapping[str, Any], database: Database, tmp_path: Path
) -> None:
    """The way to another Neo4j, and back to the version before as long as that made it."""
    unpack_older_store(DEFAULT_RELEASE, tmp_path)
    await empty(database)

    with (tmp_path / "backup.ndjson").open("rb") as backup:
        await restore(database, backup)

    await check(database, expected)


@pytest.mark.parametrize(
    ("name", "version", "told"),
    [("derived_version", DERIVED_VERSION, "derived values"), ("search_version", SEARCH_VERSION, "words of search")],
)
async def test_a_graph_of_a_newer_version_is_refused(database: Database, name: str, version: int, told: str) -> None:
    """Writes of this version would leave behind what the newer one expects, and it would not compute that anew."""
    await prepare_graph(database, Sample.NONE)
    await ask(database, f"MERGE (g:Graph {{id: 'graph'}}) SET g.{name} = {version}")
    await require_not_newer(database)
    await ask(database, f"MATCH (g:Graph {{id: 'graph'}}) SET g.{name} = {version + 1}")

    for refused in (require_not_newer(database), prepare_graph(database, Sample.ALL)):
        with pytest.raises(MigrationDriftError, match=rf"{told} are of version {version + 1}, .* an earlier backup"):
            await refused
    assert await ask(database, "MATCH (n:Claim) RETURN count(n)") == [[0]]
