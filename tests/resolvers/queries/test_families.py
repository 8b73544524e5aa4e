"""Families of claims through the schema: worked examples, known outcomes, two times, and refusals."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.exposure.past import recall_joint
from graph.families.store import MOST_FAMILIES
from graph.network.questions import Observation
from tests.helpers.asking import ask, place_of, service_of
from tests.helpers.bundles import bundle, evidence, killing, prediction, requiring
from tests.helpers.copies import import_once
from tests.helpers.diamond import diamond
from tests.helpers.mutating import mutate

pytestmark = pytest.mark.one_release

NOW = datetime.now(UTC)
YEAR = timedelta(days=365)
SAVED = """... on ClaimFamilySaved { isNew hasChanged isReplayed isDryRun
  family { name kind title isExhaustive members { claimKey role claim { title } } } }"""
TIMELINE = """timeline(asOf: $at, knownAt: $known) { absentAt happenedAt isContradictory largestFall leftOutKeys
  isReconstructed nodes { claimKey role deadline probability ownProbability coherentProbability hazard
    claim { key } } }"""
OUTCOMES = """outcomes(asOf: $at, knownAt: $known) { ownSum noneProbability noneMarginalProbability
  isContradictory isInNetwork leftOutKeys isReconstructed
  nodes { claimKey ownProbability coherentProbability ownMarginalProbability coherentMarginalProbability
    claim { key } } }"""
FAMILY = f"""query ($name: String!, $at: DateTime, $known: DateTime) {{
  claimFamily(name: $name) {{ name {TIMELINE} {OUTCOMES} }}
}}"""


def by(row_id: str, probability: float, years: float, **values: object) -> dict[str, Any]:
    """A prediction with a deadline some years from now."""
    window = {"window_start": (NOW - 10 * YEAR).isoformat(), "window_end": (NOW + years * YEAR).isoformat()}
    return prediction(row_id, stated_probability=probability, from_year=None, **window, **values)


async def load(database: Database, *predictions: dict[str, Any], **lists: list[dict[str, Any]]) -> None:
    """Import predictions under the policy without drift."""
    rows: dict[str, Any] = {"predictions": list(predictions), "policy": "foregraph-1", **lists}
    await import_bundle(database, bundle(**rows))


async def save(database: Database, name: str, kind: str, *keys: str, **values: Any) -> dict[str, Any]:
    """Save a family whose members are given by key, those not before their deadline with a tilde."""
    members = [{"claim": key.lstrip("~"), "role": "NOT_BEFORE" if key.startswith("~") else "BY"} for key in keys]
    options = {option: values.pop(option) for option in ("dryRun", "idempotencyKey") if option in values}
    given = {"name": name, "kind": kind, "members": members, **values}
    return await mutate(database, "saveClaimFamily", given, SAVED, **options)


async def timeline(database: Database, at: datetime | None = None, known: datetime | None = None) -> dict[str, Any]:
    """The timeline of the family `when`."""
    moments = {"at": at and at.isoformat(), "known": known and known.isoformat()}
    found: dict[str, Any] = (await ask(database, FAMILY, name="when", **moments)).data["claimFamily"]["timeline"]
    return found


async def outcomes(database: Database, name: str, at: datetime | None = None) -> dict[str, Any]:
    """The outcomes of a family."""
    family = (await ask(database, FAMILY, name=name, at=at and at.isoformat())).data["claimFamily"]
    assert family["timeline"] is None
    found: dict[str, Any] = family["outcomes"]
    return found


def column(found: dict[str, Any], name: str) -> list[Any]:
    """One figure of all nodes."""
    return [node[name] for node in found["nodes"]]


async def test_silence_conditions_a_timeline(database: Database) -> None:
    """.2, .5 and .8 by years 1, 2 and 3, of which the first has passed: .375 and .75."""
    await load(database, by("P_3", 0.8, 2), by("P_1", 0.2, -0.01), by("P_2", 0.5, 1))
    assert (await save(database, "when", "BY_WHEN", "P_2", "P_1", "P_3"))["isNew"]

    found = await timeline(database)

    assert column(found, "claimKey") == ["P_1", "P_2", "P_3"]
    assert column(found, "probability") == pytest.approx([0.0, 0.375, 0.75], abs=1e-11)
    assert column(found, "coherentProbability") == column(found, "probability")
    assert column(found, "hazard") == pytest.approx([0.0, 0.375, 0.6], abs=1e-11)
    assert column(found, "ownProbability") == pytest.approx([0.2, 0.5, 0.8], abs=1e-11)
    assert column(found, "claim") == [{"key": key} for key in ("P_1", "P_2", "P_3")]
    assert found["absentAt"] == found["nodes"][0]["deadline"]
    assert (found["happenedAt"], found["leftOutKeys"], found["isContradictory"]) == (None, [], False)

    before = await timeline(database, NOW - YEAR)
    assert column(before, "probability") == pytest.approx([0.2, 0.5, 0.8], abs=1e-11)
    assert before["isReconstructed"]
    assert before["absentAt"] is None


async def test_not_before_is_the_complement(database: Database) -> None:
    """Not before year 2 at .5 is by year 2 at .5; the claim itself gets what is left of 1."""
    await load(database, by("P_1", 0.2, 1), by("P_2", 0.4, 2), by("P_3", 0.8, 3))
    await save(database, "when", "BY_WHEN", "P_1", "~P_2", "P_3")

    found = await timeline(database)

    assert column(found, "ownProbability") == pytest.approx([0.2, 0.6, 0.8], abs=1e-11)
    assert column(found, "probability") == pytest.approx([0.2, 0.6, 0.8], abs=1e-11)
    assert column(found, "coherentProbability") == pytest.approx([0.2, 0.4, 0.8], abs=1e-11)

    await mutate(database, "resolveClaim", claim="P_2", outcome="TRUE")
    found = await timeline(database)
    assert column(found, "probability") == pytest.approx([0.0, 0.0, 0.5], abs=1e-11)
    assert column(found, "coherentProbability") == pytest.approx([0.0, 1.0, 0.5], abs=1e-11)


async def test_what_has_happened_is_certain_for_later_dates(database: Database) -> None:
    """By year 2, known now; the deadline that had passed stays at 0. An annulled claim is left out."""
    await load(database, by("P_1", 0.2, -1), by("P_2", 0.5, 1), by("P_3", 0.8, 3), by("P_4", 0.8, 4))
    await save(database, "when", "BY_WHEN", "P_1", "P_2", "P_3", "P_4")
    at = datetime.now(UTC)
    before = await timeline(database, at)
    await mutate(database, "resolveClaim", claim="P_2", outcome="TRUE")
    await mutate(database, "annulClaim", claim="P_4")

    found = await timeline(database)

    assert column(found, "probability") == [0.0, 1.0, 1.0]
    assert column(found, "hazard") == [0.0, 1.0, None]
    assert found["leftOutKeys"] == ["P_4"]
    assert found["happenedAt"] is not None
    assert await timeline(database, at) == before
    assert not found["isContradictory"]

    await mutate(database, "resolveClaim", claim="P_3", outcome="FALSE")
    assert (await timeline(database))["isContradictory"]


async def test_a_timeline_never_falls(database: Database) -> None:
    """.8 by year 1 and .5 by year 2 meet at odds of 2."""
    await load(database, by("P_1", 0.8, 1), by("P_2", 0.5, 2))
    await save(database, "when", "BY_WHEN", "P_1", "P_2")

    found = await timeline(database)

    assert column(found, "probability") == pytest.approx([2 / 3, 2 / 3], abs=1e-11)
    assert found["largestFall"] == pytest.approx(0.3)
    assert column(found, "hazard") == pytest.approx([2 / 3, 0.0], abs=1e-11)


async def test_outcomes_add_up(database: Database) -> None:
    """Coherent ones stay; evidence for one leaves the odds of the others alone; outcomes settle the rest."""
    await load(database, by("WIN", 0.5, 1), by("DRAW", 0.3, 1), by("LOSS", 0.2, 1))
    await save(database, "match", "EXCLUSIVE", "WIN", "DRAW", "LOSS", title="The match")

    found = await outcomes(database, "match")
    assert column(found, "coherentProbability") == pytest.approx([0.5, 0.3, 0.2], rel=1e-12)
    assert found["ownSum"] == pytest.approx(1.0)
    assert found["noneProbability"] == 0.0

    await mutate(database, "submitEvidence", claim="WIN", direction="FOR", likelihoodRatio=14 / 3)
    at = datetime.now(UTC)
    found = await outcomes(database, "match")  # evidence without a predictor counts half or in full
    win, draw, loss = column(found, "coherentProbability")
    assert win + draw + loss == pytest.approx(1.0, abs=1e-15)
    assert draw / loss == pytest.approx(1.5, rel=1e-12)
    assert win == pytest.approx(column(found, "ownProbability")[0], rel=1e-9)
    assert win > 0.6
    assert found["ownSum"] > 1.1

    await mutate(database, "resolveClaim", claim="DRAW", outcome="FALSE")
    win, draw, loss = column(await outcomes(database, "match"), "coherentProbability")
    assert draw == 0.0
    assert win + loss == pytest.approx(1.0, abs=1e-15)
    await mutate(database, "resolveClaim", claim="LOSS", outcome="TRUE")
    assert column(await outcomes(database, "match"), "coherentProbability") == [0.0, 0.0, 1.0]
    past = column(await outcomes(database, "match", at), "coherentProbability")
    assert past == column(found, "coherentProbability")


def raised(probability: float, odds_ratio: float) -> float:
    """A probability whose odds are multiplied."""
    odds = probability / (1.0 - probability) * odds_ratio
    return odds / (1.0 + odds)


async def test_marginals_of_outcomes_add_up_too(database: Database) -> None:
    """
    A killer of one outcome leaves less for it in the network, and the odds of the others as they were.

    The killer is 1 / (1 + exp(-2)) likely after evidence on it. The outcome's log-odds differ by those of its table,
    and average to .3: with x the probability of the outcome if the killer is false, (x + y) / 2 = .3.
    """
    await load(
        database,
        *(by(key, 0.3, 1) for key in ("A", "B", "C")),
        killers=[{"id": "TK_1", "title": "It breaks", "stated_probability": 0.5}],
        influences=[killing("TK_1", "A")],
        evidence=[evidence("E_1", "TK_1", total_llr=2.0)],
    )
    await save(database, "first", "EXCLUSIVE", "A", "B", "C", isExhaustive=False)
    await mutate(database, "propagateBeliefs", {})

    found = await outcomes(database, "first")

    assert column(found, "coherentProbability") == pytest.approx([0.3, 0.3, 0.3], rel=1e-9)
    assert found["noneProbability"] == pytest.approx(0.1, rel=1e-9)
    own, coherent = column(found, "ownMarginalProbability"), column(found, "coherentMarginalProbability")
    odds_ratio, killed = (0.1 / 0.9) / (0.6 / 0.4), 1.0 / (1.0 + math.exp(-2.0))
    without = next(x / 1e7 for x in range(1, 10**7) if x / 1e7 + raised(x / 1e7, odds_ratio) >= 0.6)
    expected = killed * raised(without, odds_ratio) + (1.0 - killed) * without
    assert own == pytest.approx([expected, (1 - expected) * 3 / 7, (1 - expected) * 3 / 7], abs=1e-6)
    assert coherent == pytest.approx(own, rel=1e-9)
    assert found["isInNetwork"]
    assert found["noneMarginalProbability"] == pytest.approx(1.0 - math.fsum(coherent), abs=1e-12)
    assert found["noneMarginalProbability"] == pytest.approx((1 - expected) / 7, abs=1e-6)
    assert (await outcomes(database, "first", NOW))["noneMarginalProbability"] is None


async def test_a_family_that_changes_keeps_its_past(database: Database) -> None:
    """Members that are added, and a deletion, count from then on; before the first record that one serves."""
    await load(database, by("P_1", 0.2, 1), by("P_2", 0.5, 2), by("P_3", 0.4, 3))
    await save(database, "when", "BY_WHEN", "P_1", "P_2")
    first_at = datetime.now(UTC)
    first = await timeline(database, first_at)
    await save(database, "when", "BY_WHEN", "P_1", "P_2", "P_3")
    second_at = datetime.now(UTC)
    second = await timeline(database, second_at)
    listing = '{ claim(id: "P_3") { families { name kind members { claimKey } } } claimFamilies { totalCount } }'
    listed = (await ask(database, listing)).data
    await mutate(database, "deleteClaimFamily", {"name": "when"}, "... on ClaimFamilyDeleted { family { name } }")

    assert column(first, "claimKey") == ["P_1", "P_2"]
    assert column(second, "claimKey") == ["P_1", "P_2", "P_3"]
    assert listed["claim"]["families"][0]["name"] == "when"
    assert listed["claimFamilies"] == {"totalCount": 1}
    gone = (await ask(database, listing)).data
    assert gone == {"claim": {"families": []}, "claimFamilies": {"totalCount": 0}}
    assert (await ask(database, FAMILY, name="when")).data["claimFamily"] is None
    assert (await save(database, "when", "BY_WHEN", "P_1", "P_2"))["isNew"]
    assert await timeline(database, first_at) == first
    assert await timeline(database, second_at) == second


async def test_saving_again_changes_nothing(database: Database) -> None:
    """Under its key the same answer; without one nothing is written; a dry run keeps nothing."""
    await load(database, by("P_1", 0.2, 1), by("P_2", 0.5, 2))
    dry = await save(database, "when", "BY_WHEN", "P_1", "~P_2", dryRun=True)
    assert dry["isNew"]
    assert (await ask(database, "{ claimFamilies { totalCount } }")).data == {"claimFamilies": {"totalCount": 0}}

    saved = await save(database, "when", "BY_WHEN", "P_1", "~P_2", idempotencyKey="k")
    again = await save(database, "when", "BY_WHEN", "P_1", "~P_2", idempotencyKey="k")
    third = await save(database, "when", "BY_WHEN", "P_1", "~P_2")

    assert saved["family"]["members"] == [
        {"claimKey": "P_1", "role": "BY", "claim": {"title": "P_1"}},
        {"claimKey": "P_2", "role": "NOT_BEFORE", "claim": {"title": "P_2"}},
    ]
    assert again == {**saved, "isReplayed": True}
    assert (third["isNew"], third["hasChanged"]) == (False, False)


REFUSALS: dict[str, tuple[str, list[str], dict[str, Any], str, str]] = {
    "twice": ("BY_WHEN", ["P_1", "P_1"], {}, "Invalid", "input.members.1.claim"),
    "alone": ("BY_WHEN", ["P_1"], {}, "Invalid", "input.members"),
    "timeless": ("BY_WHEN", ["P_1", "S_1"], {}, "Invalid", "input.members.1.claim"),
    "unknown": ("BY_WHEN", ["P_1", "P_9"], {}, "NotFound", "input.members.1.claim"),
    "taken": ("BY_WHEN", ["P_2", "P_3"], {}, "Conflict", "input.members.0.claim"),
    "exclusive roles": ("EXCLUSIVE", ["P_1", "~P_2"], {}, "Invalid", "input.members.1.role"),
    "exhaustive dates": ("BY_WHEN", ["P_1", "P_3"], {"isExhaustive": True}, "Invalid", "input.isExhaustive"),
    "a name": ("BY_WHEN", ["P_1", "P_3"], {"name": "a b"}, "Invalid", "input.name"),
}


async def test_wrong_families_are_refused(database: Database) -> None:
    """By the field that is wrong, with what was expected; nothing is written."""
    await load(
        database,
        *(by(f"P_{n}", 0.2, n) for n in range(1, 5)),
        scenarios=[{"id": "S_1", "title": "It may", "stated_probability": 0.5}],
    )
    await save(database, "other", "BY_WHEN", "P_2", "P_4")
    for kind, keys, values, refusal, place in REFUSALS.values():
        given = {"name": "when", **values}
        answer = await save(database, given.pop("name"), kind, *keys, **given)
        assert (answer["__typename"], place_of(answer)) == (refusal, place), answer
    several = await save(database, "when", "BY_WHEN", "S_1", "P_9")
    assert several["__typename"] == "BatchRefused"
    assert (await mutate(database, "deleteClaimFamily", {"name": "when"}))["__typename"] == "NotFound"
    assert (await ask(database, "{ claimFamilies { nodes { name } } }")).data == {
        "claimFamilies": {"nodes": [{"name": "other"}]}
    }
    assert (await save(database, "groups", "EXCLUSIVE", "P_2", "P_4"))["isNew"]


async def test_a_member_is_not_deleted(database: Database) -> None:
    """Its family is named, which can be saved without it; then it is deleted, and past answers stay."""
    await load(database, *(by(f"P_{n}", 0.2, n) for n in range(1, 4)))
    await save(database, "when", "BY_WHEN", "P_1", "P_2", "P_3")
    at = datetime.now(UTC)
    before = await timeline(database, at)
    subject: dict[str, Any] = {"subject": "PREDICTION", "id": "P_3"}

    refusal = await mutate(database, "deleteSubject", **subject)
    assert (refusal["__typename"], place_of(refusal)) == ("Conflict", "input.id")
    assert "'when'" in refusal["message"]
    await save(database, "when", "BY_WHEN", "P_1", "P_2")
    assert (await mutate(database, "deleteSubject", **subject))["__typename"] == "SubjectDeleted"
    after = await timeline(database, at)
    assert column(after, "probability") == column(before, "probability")
    assert column(after, "claim")[2] is None


WHAT_IF = """query ($given: [SupposedOutcome!]!, $intervene: Boolean) {
  whatIf(observations: $given, intervene: $intervene, method: EXACT) {
    ... on WhatIfResult { supposed { claim { key } probabilityAfter } implied { claim { key } probabilityAfter }
      shifts { nodes { claim { key } probabilityAfter } } }
    ... on UserError { code message path }
  }
}"""


async def test_one_outcome_rules_the_others_out(database: Database) -> None:
    """In the network, too: what hangs on another outcome shifts as if that were known to be false."""
    children = [requiring("DRAW", "REPLAY", p_if_true=0.9, p_if_false=0.1)]
    await load(database, *(by(key, 0.3, 1) for key in ("WIN", "DRAW", "LOSS", "REPLAY")), influences=children)
    await save(database, "match", "EXCLUSIVE", "WIN", "DRAW", "LOSS")

    async def suppose(*outcomes: str, intervene: bool = False) -> dict[str, Any]:
        given = [{"claim": key.lstrip("!"), "outcome": "FALSE" if key.startswith("!") else "TRUE"} for key in outcomes]
        answer = (await ask(database, WHAT_IF, given=given, intervene=intervene)).data["whatIf"]
        if "code" in answer:
            return {"code": answer["code"], "path": place_of(answer)}
        listed = {"shifts": answer["shifts"]["nodes"], "supposed": answer["supposed"], "implied": answer["implied"]}
        return {name: {row["claim"]["key"]: row["probabilityAfter"] for row in rows} for name, rows in listed.items()}

    win, by_hand = await suppose("WIN"), await suppose("WIN", "!DRAW", "!LOSS")
    assert win["supposed"] == {"WIN": 1.0}
    assert win["implied"] == {"DRAW": 0.0, "LOSS": 0.0}
    assert win["shifts"] == by_hand["shifts"] == {"REPLAY": pytest.approx(win["shifts"]["REPLAY"])}
    assert win["shifts"]["REPLAY"] < 0.2
    assert (await suppose("!WIN", "!LOSS"))["implied"] == {"DRAW": 1.0}
    assert (await suppose("!WIN"))["implied"] == {}
    assert (await suppose("WIN", intervene=True))["implied"] == win["implied"]
    assert await suppose("WIN", "DRAW") == {"code": "CONFLICT", "path": "observations"}
    await save(database, "when", "BY_WHEN", "WIN", "~REPLAY", "LOSS")
    assert (await suppose("REPLAY"))["implied"] == {"LOSS": 0.0, "WIN": 0.0, "DRAW": 1.0}
    await mutate(database, "resolveClaim", claim="LOSS", outcome="TRUE")
    assert await suppose("WIN") == {"code": "CONFLICT", "path": "observations"}


async def test_families_that_do_not_fit_are_listed(database: Database) -> None:
    """By how much, the largest first; what fits is not listed."""
    await load(
        database,
        *(by(key, value, years) for key, value, years in (("A", 0.8, 1), ("B", 0.5, 2), ("C", 0.9, 3))),
        *(by(key, 0.3, 1) for key in ("F", "G", "H")),
    )
    await save(database, "when", "BY_WHEN", "A", "B", "C")
    await save(database, "few", "EXCLUSIVE", "F", "G")
    document = "{ incoherence { families { totalCount nodes { misfit family { name } } } } }"

    async def listed() -> list[tuple[str, Any]]:
        found = (await ask(database, document)).data["incoherence"]["families"]
        assert found["totalCount"] == len(found["nodes"])
        return [(node["family"]["name"], node["misfit"]) for node in found["nodes"]]

    assert await listed() == [("few", pytest.approx(-0.4)), ("when", pytest.approx(0.3))]
    await save(database, "few", "EXCLUSIVE", "F", "G", "H", isExhaustive=False)
    await mutate(database, "resolveClaim", claim="A", outcome="FALSE")
    assert await listed() == []


async def test_families_are_listed(database: Database) -> None:
    """By name, of a kind, with a claim, and page by page from either end."""
    await load(database, *(by(f"P_{n}", 0.2, n) for n in range(1, 7)))
    await save(database, "a", "BY_WHEN", "P_1", "P_2")
    await save(database, "b", "EXCLUSIVE", "P_1", "P_2")
    await save(database, "c", "EXCLUSIVE", "P_3", "P_4")

    async def listed(arguments: str) -> list[str]:
        document = f"{{ claimFamilies{arguments} {{ nodes {{ name }} pageInfo {{ endCursor }} }} }}"
        return [node["name"] for node in (await ask(database, document)).data["claimFamilies"]["nodes"]]

    assert await listed("") == ["a", "b", "c"]
    assert await listed("(filter: {kind: [EXCLUSIVE]})") == ["b", "c"]
    assert await listed('(filter: {claim: ["P_2"]})') == ["a", "b"]
    assert await listed("(last: 1)") == ["c"]
    assert await listed("(first: 2, sort: [{by: NAME, order: DESCENDING}])") == ["c", "b"]
    assert MOST_FAMILIES >= 1_000


async def test_what_is_supposed_in_the_past_rules_out_what_it_did_then(database: Database) -> None:
    """A family counts from when it was recorded on, and until it was deleted."""
    await import_once(database, diamond())
    moments = [datetime.now(UTC)]
    await save(database, "either", "EXCLUSIVE", "P_B", "P_C")
    moments.append(datetime.now(UTC))
    await mutate(database, "deleteClaimFamily", {"name": "either"})
    moments.append(datetime.now(UTC))
    engine, implied = service_of(database).engine, []
    async with database.reading() as reading:
        for moment in moments:
            then = await recall_joint(reading, engine, moment)
            found = await engine.what_if_then(then, [Observation("P_B", outcome=True)])
            implied.append([(shift.claim_id, shift.after) for shift in found.implied])

    assert implied == [[], [("P_C", 0.0)], []]
