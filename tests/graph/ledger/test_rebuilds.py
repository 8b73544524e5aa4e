"""Rebuilds in bulk against what writes one after the other, and a refresh, have stored."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.inference.evidence import Direction, Strength
from graph.ledger import derived
from graph.ledger.derived import adopt_policy, rebuild, rebuild_claims, refresh_posteriors, verify
from graph.ledger.items import EvidenceItem
from graph.model.kinds import ClaimStatus
from graph.outcomes.resolution import Outcome, resolve, unresolve
from graph.outcomes.retractions import Retraction, retract
from graph.outcomes.sweep import sweep
from graph.subjects.upserts import Change, upsert
from tests.helpers.asking import service_of
from tests.helpers.bundles import bundle, claim, event, evidence, prediction
from tests.helpers.stored import read

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

NOW = datetime.now(UTC).replace(microsecond=0)
WINDOW = {
    "window_start": (NOW - timedelta(days=146)).isoformat(),
    "window_end": (NOW + timedelta(days=218)).isoformat(),
}
ITEM = {"llr": 1.25, "kind": "quartile_checkpoint", "adjusted_llr": 0.5}
BUNDLE = bundle(
    predictors=[{"id": "ada", "name": "Ada"}],
    reference_classes=[{"id": "r", "description": "Such cases", "base_rate": 0.1}],
    predictions=[
        *(prediction(f"P_{number}", predictor_id="ada", stated_probability=0.3 + 0.1 * number) for number in range(4)),
        *(
            prediction(
                f"D_{number}",
                predictor_id="ada",
                stated_probability=0.7,
                from_year=2020,
                status="RESOLVED_TRUE" if number < 2 else "RESOLVED_FALSE",
                resolved_at=f"2020-1{number % 3}-05T00:00:00Z",
            )
            for number in range(6)
        ),
        *(
            {
                "id": f"W_{number}",
                "title": "Windowed",
                "stated_probability": 0.2,
                "predictor_id": "ada",
                "reference_class_id": "r",
                **WINDOW,
            }
            for number in range(4)
        ),
        {"id": "L", "title": "Four centuries", "stated_probability": 0.6, "reference_class_id": "r"}
        | {"window_start": "1901-02-03T04:05:06.789012Z", "window_end": "2301-04-05T06:07:08.901234Z"},
        {"id": "U", "title": "Nothing stated"},
    ],
    killers=[claim("TK_1")],
    milestones=[event(f"P_{number}") for number in range(4)],
    evidence=[
        evidence("E_1", "P_1", recorded_at="2026-05-10T00:00:00Z", contributions=[ITEM, {"llr": 0.25}]),
        evidence("E_2", "P_1", recorded_at="2026-05-11T00:00:00Z", contributions=[ITEM], policy="imported"),
        evidence("E_3", "W_1", recorded_at="2026-05-11T00:00:00Z", cluster_id="event"),
    ],
)
DERIVED = (
    "inside_log_odds", "num_evidence", "last_recorded_at", "posterior", "probability_key", "evidence_count_key",
    "last_evidence_key", "policy", "setting_at", "timing_share", "check_in_log_odds", "final_log_odds",
    "final_base_rate", "final_class_id", "final_trf", "final_policy", "final_silence", "posterior_7_days_ago",
    "posterior_30_days_ago", "change_7_key", "change_30_key",
)  # fmt: skip
OF_ROWS = (
    "prior_inside_log_odds", "inside_log_odds", "check_in_log_odds", "cluster_size", "cluster_llr_sum",
    "cluster_adjusted_llr_sum", "observation_key",
)  # fmt: skip


async def submit(database: Database, *claims: str, **values: Any) -> list[str]:
    """Evidence on claims, a submission each; their ids."""
    intake = service_of(database).intake
    found = [await intake.submit([EvidenceItem(name, Direction.FOR, Strength.WEAK, **values)]) for name in claims]
    return [each.payload["items"][0]["evidence_id"] for each in found]


async def write(database: Database, policy: str) -> None:
    """Write in many ways, before and after the policy is set."""
    await import_bundle(database, BUNDLE)
    await sweep(database)
    await submit(database, "P_0", "W_0", "TK_1", "L")
    await resolve(database, "P_3", Outcome(status=ClaimStatus.RESOLVED_TRUE, at=NOW - timedelta(days=9)))
    await adopt_policy(database, policy)
    mistaken = await submit(database, "P_0", "W_0", predictor_id="ada", cluster_id="event", url="https://a.example/b")
    await submit(database, "W_0", "W_1", predictor_id="ada", cluster_id="event")
    await retract(database, mistaken[1], Retraction(reason="Mistaken"))
    await upsert(database, Change("reference_classes", {"id": "r", "base_rate": 0.35}))
    await resolve(database, "W_2", Outcome(status=ClaimStatus.RESOLVED_FALSE))
    await resolve(database, "P_2", Outcome(status=ClaimStatus.RESOLVED_TRUE))
    await unresolve(database, "P_2", Outcome(status=ClaimStatus.OPEN))
    await upsert(database, Change("predictions", {"id": "W_3", "stated_probability": 0.45}))
    await submit(database, "P_2", "W_3")


async def snapshot(database: Database) -> dict[str, Any]:
    """Properties of claims, ledger rows and milestones by id."""
    rows = await read(
        database,
        "MATCH (n) WHERE n:Claim OR n:Evidence OR n:Milestone OR n:Version "
        "RETURN labels(n)[0] + ' ' + n.id AS id, properties(n) AS found",
    )
    return {row["id"]: row["found"] for row in rows}


async def wipe(database: Database) -> None:
    """Take away what is derived; effects stay, as others would be versions."""
    removed = ", ".join(f"c.{name}" for name in DERIVED), ", ".join(f"e.{name}" for name in OF_ROWS)
    async with database.open_session() as session:
        await (await session.run(f"MATCH (c:Claim) REMOVE {removed[0]}")).consume()
        await (await session.run(f"MATCH (e:Evidence) REMOVE {removed[1]}")).consume()
        await (await session.run("MATCH (m:Milestone) SET m.status_key = 'UNKNOWN'")).consume()


@pytest.mark.parametrize("policy", ["foregraph-1", "foregraph-2"])
async def test_a_rebuild_gives_what_writes_and_a_refresh_gave(
    database: Database, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit, of pages side by side and of claims one by one; once more, it changes nothing."""
    await write(database, policy)
    assert [str(found) async for found in verify(database)] == []
    moment = datetime.now(UTC) + timedelta(seconds=1)
    await refresh_posteriors(database, moment)
    before = await snapshot(database)
    assert {before[f"Claim {name}"]["status"] for name in ("P_3", "W_2", "P_2")} >= {"OPEN", "RESOLVED_TRUE"}
    monkeypatch.setattr(derived, "PAGE_CLAIMS", 5)

    await wipe(database)
    assert (await snapshot(database))["Claim P_0"] != before["Claim P_0"]
    assert await rebuild(database, moment=moment) == len([name for name in before if name.startswith("Claim ")])
    assert await snapshot(database) == before

    await rebuild(database, moment=moment)
    assert await snapshot(database) == before

    await wipe(database)
    for name in sorted(name.removeprefix("Claim ") for name in before if name.startswith("Claim ")):
        await database.write(partial(rebuild_claims, claim_ids=[name], moment=moment))
    found = await snapshot(database)
    assert {key: row for key, row in found.items() if not key.startswith("Milestone ")} == {
        key: row for key, row in before.items() if not key.startswith("Milestone ")
    }


async def test_new_effects_leave_the_beliefs_of_the_past(database: Database) -> None:
    """Effects that a rebuild finds are known from then on: what was believed days before is what was recorded then."""
    await import_bundle(database, BUNDLE)
    await adopt_policy(database, "foregraph-2", moment=NOW - timedelta(days=40))
    moment = datetime.now(UTC) + timedelta(seconds=1)
    await refresh_posteriors(database, moment)
    before = await snapshot(database)
    assert before["Claim W_0"]["slope_effect"] != 0.0
    await read(database, "MATCH (c:Claim {id: 'W_0'}) SET c.slope_effect = 0.125 RETURN c.id AS id")
    await read(
        database, "MATCH (v:Version {subject_id: 'W_0', subject: 'CLAIM'}) SET v.slope_effect = 0.125 RETURN v.id AS id"
    )
    await refresh_posteriors(database, moment)
    other = (await snapshot(database))["Claim W_0"]

    await rebuild(database, moment=moment)

    found = (await snapshot(database))["Claim W_0"]
    assert found["posterior"] == before["Claim W_0"]["posterior"] != other["posterior"]
    assert found["posterior_7_days_ago"] == other["posterior_7_days_ago"]
    assert found["num_versions"] == other["num_versions"] + 1
