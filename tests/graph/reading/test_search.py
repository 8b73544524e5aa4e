"""Search on a live graph: what is found, in which order, and at which cost."""

import math
import unicodedata
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.errors import InvalidError
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.model.lists import BY_NAME
from graph.model.search_texts import group_mark, search_keys
from graph.model.subjects import CLAIM_SUBJECTS, SUBJECTS
from graph.reading.lists import ListFilter, ListPage
from graph.reading.matching import MAX_QUERY_CHARACTERS, Way, Words
from graph.reading.search import MANY_MATCHES, MOST_COUNTED, search
from graph.reading.tree import Node, NodePlan
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.graph_dump import ask
from tests.helpers.profiling import profile

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

PLAN = NodePlan(properties=("id", "symbol", "title"))


def bundle_of(**lists: Any) -> Bundle:
    return Bundle.model_validate({"format": BUNDLE_FORMAT, **lists})


async def found_by(
    database: Database,
    text: str,
    *,
    subjects: tuple[str, ...] = SUBJECTS,
    first: int = 20,
    after: str | None = None,
    wants_snippets: bool = False,
    wants_total: bool = False,
) -> Node:
    return await database.read(
        partial(
            search,
            text=text,
            subjects=subjects,
            first=first,
            after=after,
            plan=PLAN,
            wants_snippets=wants_snippets,
            wants_total=wants_total,
        )
    )


async def found_ids(database: Database, text: str, **asked: Any) -> list[str]:
    page = await found_by(database, text, **asked)
    return [edge["node"]["id"] or edge["node"]["symbol"] for edge in page["edges"]]


TITLES = {
    "P_APOSTROPHE": "Moore's law and O\u2019Reilly's end",
    "P_NUMBERS": "GPT-3.5 sells 10,000,000 at 1.5°C",
    "P_ACCENTS": unicodedata.normalize("NFD", "São Paulo: Zoë\u2019s café résumé"),
    "P_DOTS": "Node.js in the U.S. and BRK.B by AT&T",
    "P_EMOJI": "Warp 🚀 drives",
    "P_HINDI": "हिन्दी में भविष्यवाणी",
    "P_CJK": "東京都の物価が上がる",
    "P_HANGUL": "한국어는 어렵다",
    "P_GREEK": "χρυσάφι ΤΗΣ ΓΗΣ",
    "P_OPERATORS": 'C++ (or "C#") and/or a:b^2~ [x TO y] {1} \\ * ? !',
}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Moore's law", "P_APOSTROPHE"),
        ("Moore\u2019s law", "P_APOSTROPHE"),
        ("moores LAW", "P_APOSTROPHE"),
        ("Moore law", "P_APOSTROPHE"),
        ("O'Reilly's", "P_APOSTROPHE"),
        ("oreillys", "P_APOSTROPHE"),
        ("GPT-3.5", "P_NUMBERS"),
        ("gpt 3.5", "P_NUMBERS"),
        ("10,000,000", "P_NUMBERS"),
        ("10000000", "P_NUMBERS"),
        ("1.5", "P_NUMBERS"),
        ("Sao Paulo", "P_ACCENTS"),
        ("São Paulo", "P_ACCENTS"),
        (unicodedata.normalize("NFD", "résumé"), "P_ACCENTS"),
        (unicodedata.normalize("NFC", "RÉSUMÉ"), "P_ACCENTS"),
        ("Zoes cafe", "P_ACCENTS"),
        ("nodejs", "P_DOTS"),
        ("US", "P_DOTS"),
        ("U.S.", "P_DOTS"),
        ("BRK.B", "P_DOTS"),
        ("brkb", "P_DOTS"),
        ("at&t", "P_DOTS"),
        ("🚀", "P_EMOJI"),
        ("warp 🚀", "P_EMOJI"),
        ("हिन्दी", "P_HINDI"),
        ("東京", "P_CJK"),
        ("物価", "P_CJK"),
        ("한국", "P_HANGUL"),
        ("χρυσαφι της γης", "P_GREEK"),
        ('c++ or "c#"', "P_OPERATORS"),
        ("a:b^2~", "P_OPERATORS"),
        ("paolo", "P_ACCENTS"),
        ("reilyl's", "P_APOSTROPHE"),
        *((title, key) for key, title in TITLES.items()),
    ],
)
async def test_titles_are_found_by_their_words(titles: Database, text: str, key: str) -> None:
    """However case, accents, signs and encodings differ."""
    assert await found_ids(titles, text) == [key]


@pytest.fixture(scope="module")
async def titles(migrated_database: Database) -> Database:
    """Predictions with titles of many kinds."""
    await empty(migrated_database)
    await import_bundle(migrated_database, bundle_of(predictions=[{"id": k, "title": t} for k, t in TITLES.items()]))
    return migrated_database


async def test_any_text_is_a_query_that_the_index_takes(titles: Database) -> None:
    """Operators, long words, many words; none of them finds all."""
    many = " ".join("ab"[number % 2] for number in range(MAX_QUERY_CHARACTERS // 2))
    long = " ".join(f"word{'abcdefghij'[number % 10] * 3}" for number in range(200))
    for text in ("NOT a", "AND", "_a", "a OR b", "a" * MAX_QUERY_CHARACTERS, many, long, "I\u0307", "²", "東" * 900):
        assert len((await found_by(titles, text, wants_snippets=True, wants_total=True))["edges"]) < len(TITLES)


async def test_the_better_way_to_match_comes_first(database: Database) -> None:
    """One node for each way, and two for the first, of which the ticker precedes."""
    bundle = bundle_of(
        tickers=[{"symbol": "ORCL", "name": "Another"}],
        domains=[{"id": "orcl"}],
        scenarios=[
            {"id": "S_TITLE", "title": "The rise of orcl shares"},
            {"id": "S_TEXT", "title": "Clouds", "text": "As orcl says"},
            {"id": "S_BEGIN", "title": "Orclets"},
            {"id": "S_NEAR", "title": "orkl"},
            {"id": "S_OTHER", "title": "Something else"},
        ],
    )
    await import_bundle(database, bundle)

    page = await found_by(database, "orcl", wants_snippets=True, wants_total=True)

    found = [edge["node"]["id"] or edge["node"]["symbol"] for edge in page["edges"]]
    assert found == ["ORCL", "orcl", "S_TITLE", "S_TEXT", "S_BEGIN", "S_NEAR"]
    ways = [len(Way) - 1 - math.floor(edge["score"]) for edge in page["edges"]]
    assert ways == [Way.EXACT, Way.EXACT, Way.TITLE, Way.TEXT, Way.INCOMPLETE, Way.MISSPELT]
    assert [edge["score"] for edge in page["edges"]] == sorted((e["score"] for e in page["edges"]), reverse=True)
    assert page["edges"][3]["snippet"] == "As <mark>orcl</mark> says"
    assert page["edges"][5]["snippet"] == "<mark>orkl</mark>"
    assert page["total_count"] == len(found)


async def test_a_typed_symbol_comes_first_whatever_markets_write_in_it(database: Database) -> None:
    """On each exchange where it is traded, before titles that are about it."""
    symbols = ["^GSPC", "ES=F", "EURUSD=X", "M&M.NS", "BF/B", "BHP:XASX", "BHP:XNYS"]
    about = [{"id": f"S_{n}", "title": f"{symbol} falls"} for n, symbol in enumerate(["BHP", *symbols])]
    await import_bundle(database, bundle_of(tickers=[{"symbol": symbol} for symbol in symbols], scenarios=about))

    for typed in (*symbols, "BHP"):
        page = await found_by(database, typed)
        expected = [symbol for symbol in symbols if typed in {symbol, symbol.partition(":")[0]}]
        assert sorted(edge["node"]["symbol"] for edge in page["edges"][: len(expected)]) == expected


async def test_a_long_title_is_found_with_one_letter_wrong(database: Database) -> None:
    """In whatever part of it; not with two wrong in different parts, and never twice."""
    words = [f"{'word' * 2}{letter * 3}" for letter in "abcdefghijklmnopqrst"]
    await import_bundle(database, bundle_of(scenarios=[{"id": "S_1", "title": " ".join(words)}]))
    for number in (0, 7, 8, 12, 19):
        typed = [*words[:number], words[number][1:], *words[number + 1 :]]

        page = await found_by(database, " ".join(typed), wants_total=True)

        assert [edge["node"]["id"] for edge in page["edges"]] == ["S_1"]
        assert 0 < page["edges"][0]["score"] < 1
        assert page["total_count"] == 1
    assert await found_ids(database, " ".join([words[0][1:], *words[1:19], words[19][1:]])) == []


async def test_a_misspelt_number_has_no_other_way(database: Database) -> None:
    """Ways that a text lacks leave the numbers of the others as they are."""
    await import_bundle(database, bundle_of(scenarios=[{"id": "S_1", "title": "Fusion 3.5"}]))

    (edge,) = (await found_by(database, "fusoin 3.5"))["edges"]

    assert edge["score"] < 1


async def test_only_the_asked_subjects_are_found(database: Database) -> None:
    """The same word in a predictor's name and in a claim."""
    claims = [{"id": "S_1", "title": "Rock and roll"}]
    await import_bundle(database, bundle_of(predictors=[{"id": "rock", "name": "Rock"}], scenarios=claims))

    assert await found_ids(database, "rock", subjects=("Predictor",)) == ["rock"]
    assert await found_ids(database, "rock", subjects=CLAIM_SUBJECTS) == ["S_1"]
    assert await found_ids(database, "rock", subjects=("Ticker",)) == []


@pytest.mark.parametrize(
    "cursor",
    [
        "deadline:2026|P",
        "search:high|P",
        "search:",
        "",
        "search:9|0|0|1.0|P",
        "search:0|1|4|1.0|P",
        "search:0|0|0|nan|P",
    ],
)
async def test_a_cursor_from_elsewhere_is_refused(database: Database, cursor: str) -> None:
    """It would mean some other place."""
    with pytest.raises(InvalidError, match="expected a cursor from") as refused:
        await found_ids(database, "rock", after=cursor)

    assert refused.value.path == "after"


NUM_MANY = 1_600
WITH_ROLL = 5
"""Every fifth of the many has another word."""


def many_rows() -> list[dict[str, Any]]:
    """Predictions with one word, in texts of few lengths, so that many match equally well."""
    return [
        {
            "id": f"P_{number:04d}",
            "title": f"rock {'and so on ' * (number % 4)}",
            "text": "with roll" if number % WITH_ROLL == 0 else "alone",
            "stated_probability": 0.1 + 0.8 * number / NUM_MANY,
            "from_year": 2030 + number % 7,
        }
        for number in range(NUM_MANY)
    ]


@pytest.mark.every_release
async def test_pages_of_many_matches_join_to_the_whole(database: Database) -> None:
    """They come in groups; nothing is lost or doubled, and within a group the best come first, equals by id."""
    await import_once(database, bundle_of(predictions=many_rows()))
    whole: list[str] = []
    places: list[tuple[int, int, float, str]] = []
    after = None
    for _ in range(NUM_MANY):
        page = await found_by(database, "rock", first=99, after=after)
        whole += [edge["node"]["id"] for edge in page["edges"]]
        for edge in page["edges"]:
            way, level, group, score, key = edge["cursor"].removeprefix("search:").split("|")
            places.append((int(way), int(group), -float(score), key))
            (marks,) = await ask(database, "MATCH (n:Prediction {id: $id}) RETURN n.search_group", id=key)
            assert level == "0" or group_mark(int(level), int(group)) in marks[0].split(" ")
        if not page["page_info"]["has_next_page"]:
            break
        after = page["page_info"]["end_cursor"]

    assert sorted(whole) == [row["id"] for row in many_rows()]
    assert places == sorted(places)
    assert len({group for _, group, *_ in places}) > 1
    assert (await found_by(database, "rock", wants_total=True))["total_count"] is None  # of so many
    assert (await found_by(database, "roll", wants_total=True))["total_count"] == NUM_MANY // WITH_ROLL


async def test_a_page_costs_by_its_size_and_not_by_the_matches(database: Database) -> None:
    """Four times as many nodes with the word cost no more store accesses."""
    hits = []
    for part in (many_rows()[: NUM_MANY // 4], many_rows()[NUM_MANY // 4 :]):
        await import_bundle(database, bundle_of(predictions=part))
        ways = [
            {"number": number, "query": query, "level": None, "group": 0, "after": None}
            for number, query in Words.of("rock").queries(SUBJECTS).items()
        ]
        asked = {"ways": ways, "many": MANY_MATCHES, "properties": ["id"], "texts": [], "text_characters": 9}
        hits.append((await profile(database, "reading/search", **asked, limit=21))[1])

    assert hits[1] <= 1.5 * hits[0]


@pytest.mark.parametrize("text", ["rock", "roll", "roc", "nothing"])
async def test_lists_by_text_are_sorted_whole(database: Database, text: str) -> None:
    """Few matches are sorted, of many the list's order is walked; both against the rows themselves, sorted here."""
    await import_once(database, bundle_of(predictions=many_rows()))
    rows = [row for row in many_rows() if text in f"{row['title']} {row['text']}"]
    listed, filter_ = BY_NAME["predictions"], ListFilter({}, text)
    for order, key in (("deadline", "from_year"), ("posterior", "stated_probability")):
        for is_descending in (False, True):
            expected = sorted(rows, key=lambda row: (row[key], row["id"]), reverse=is_descending)
            page = ListPage(listed, filter_, listed.sort(order), 50, is_descending=is_descending)

            first_page: Any = await database.read(partial(page.read, plan=PLAN, wants_total=True))
            assert [edge["node"]["id"] for edge in first_page["edges"]] == [row["id"] for row in expected[:50]]
            assert first_page["total_count"] == (len(rows) if len(rows) <= MOST_COUNTED else None)
            if first_page["page_info"]["has_next_page"]:
                after = first_page["page_info"]["end_cursor"]
                next_page: Any = await database.read(
                    partial(replace(page, after=after).read, plan=PLAN, wants_total=False)
                )
                assert [edge["node"]["id"] for edge in next_page["edges"]] == [row["id"] for row in expected[50:100]]


async def test_words_of_search_are_those_of_the_rows(database: Database) -> None:
    """What is stored follows from the row, whichever statement has written it."""
    await import_bundle(database, bundle_of(predictions=many_rows()[:3]))
    stored = await ask(
        database, "MATCH (n:Prediction) RETURN n.search_title, n.search_text, n.search_group ORDER BY n.id"
    )
    rows = bundle_of(predictions=many_rows()[:3]).rows()["predictions"]

    assert [list(found) for found in stored] == [list(search_keys(row).values()) for row in rows]
