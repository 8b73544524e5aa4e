"""The README's pictures are what the commands draw of the sample, and show what the graph says."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli import cli
from api.drawing.history import draw_history
from api.drawing.neighborhood import draw_neighborhood
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database, Unit
from graph.errors import NotFoundError
from graph.sample import Sample
from graph.sample.loading import load_illustration, load_samples
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.pictures import SVG, parsed, texts_of
from tests.helpers.processes import run, variables

PICTURES = Path(__file__).parents[3] / ".github"
MOMENT = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def sample(migrated_database: Database) -> AsyncIterator[Database]:
    """A database with both samples in it, as `make run` makes it."""
    await empty(migrated_database)
    await import_once(migrated_database, load_samples(Sample.ALL))
    yield migrated_database
    await empty(migrated_database)


@pytest.mark.parametrize(("name", "claim"), [("neighborhood", "IL_GRID_BATTERIES"), ("history", "IL_DC_POWER")])
async def test_the_readmes_pictures_are_those_of_the_sample(
    sample: Database, database_address: DatabaseAddress, name: str, claim: str
) -> None:
    """Drawn anew by the command; where this fails, its output is the new picture."""
    drawn = await run("draw", name, claim, "--as-of", "2026-09-01", environment=variables(database_address))

    assert drawn.code == 0
    assert drawn.output == (PICTURES / f"{name}.svg").read_text(encoding="utf-8")


async def test_a_neighborhood_shows_every_end_of_its_edges(sample: Database) -> None:
    """Parents at the left, children and tickers at the right, as the bundle has them."""
    bundle = load_illustration()
    titles = {claim.id: claim.title for claim in (*bundle.predictions, *bundle.scenarios, *bundle.killers)}
    parents = [row.parent_id for row in bundle.influences if row.child_id == "IL_COPPER"]
    picture = await sample.read(lambda unit: draw_neighborhood(unit, "IL_COPPER", depth=1, moment=MOMENT))

    left = [element for element in parsed(picture).iter(f"{SVG}text") if float(element.attrib["x"]) < 270]
    shown = " ".join(element.text or "" for element in left)

    assert len(parents) == 3
    for parent in parents:
        assert titles[parent].split(" ")[0] in shown
    assert "COPPR.EX Copper Mines" in " ".join(texts_of(picture))
    assert "+35% then" in texts_of(picture)


async def test_deeper_neighborhoods_have_more_columns(sample: Database) -> None:
    """A step further is a column further out."""
    widths = []
    for depth in (1, 2):

        async def draw(unit: Unit, depth: int = depth) -> str:
            return await draw_neighborhood(unit, "IL_HUMANOID_PRICE", depth=depth, moment=MOMENT)

        widths.append(int(parsed(await sample.read(draw)).attrib["width"]))

    assert widths[1] > widths[0]


async def test_an_outcome_is_told_once_it_was_known(sample: Database) -> None:
    """Before that moment the claim has a belief like any other."""

    async def texts_at(moment: datetime) -> list[str]:
        return texts_of(
            await sample.read(lambda unit: draw_neighborhood(unit, "IL_R_SOLAR_LEAD", depth=1, moment=moment))
        )

    assert "came true 2026-01-20" in await texts_at(MOMENT)
    assert not any("came true" in text for text in await texts_at(datetime(2026, 1, 1, tzinfo=UTC)))


async def test_a_history_lists_the_evidence_by_its_moment(sample: Database) -> None:
    """What came later is not shown, and not in the belief."""
    rows = [row for row in load_illustration().evidence if row.claim_id == "IL_DC_POWER"]
    early = datetime(2026, 1, 1, tzinfo=UTC)

    shown = texts_of(await sample.read(lambda unit: draw_history(unit, "IL_DC_POWER", moment=early)))

    assert [row.note in shown for row in rows] == [row.recorded_at <= early for row in rows]
    assert "base rate" in shown


async def test_a_claim_without_a_probability_has_no_history(sample: Database) -> None:
    """It stands in neighbourhoods all the same."""
    scenario = "S_HUMANOID_CONSUMER_2030"

    with pytest.raises(NotFoundError, match="no claim with a stated probability has the id 'S_HUMANOID"):
        await sample.read(lambda unit: draw_history(unit, scenario, moment=MOMENT))
    picture = await sample.read(lambda unit: draw_neighborhood(unit, scenario, depth=1, moment=MOMENT))
    assert len(texts_of(picture)) > 2


async def test_an_unknown_claim_is_told(sample: Database) -> None:
    with pytest.raises(NotFoundError, match="no claim has the id 'nobody'"):
        await sample.read(lambda unit: draw_neighborhood(unit, "nobody", depth=1, moment=MOMENT))


def test_a_moment_that_is_none_is_told() -> None:
    result = CliRunner().invoke(cli, ["draw", "history", "x", "--as-of", "soon"])

    assert result.exit_code == 2
    assert "'soon' does not match" in result.stderr
