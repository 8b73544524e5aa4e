"""What a user types, as a query of the full-text index."""

import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database, Row, Unit
from graph.errors import InvalidError
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.model.subjects import CLAIM_SUBJECTS, SUBJECTS
from graph.reading.search import MAX_QUERY_CHARACTERS, MIN_MATCHES, lucene_query, search
from graph.reading.tree import NodePlan
from tests.helpers.graph_dump import ask

QUOTED_WORD = r'"\w+"'
QUERY = re.compile(rf'(?:{QUOTED_WORD} AND )*\("(\w+)" OR \1\*\)')
OPERATORS = '+-&|!(){}[]^"~*?:\\/<>= \t\n'

texts = st.text(max_size=40) | st.text(OPERATORS + "abAND", max_size=40) | st.sampled_from(["AND", "a OR b", "NOT x"])


@given(texts)
def test_a_text_becomes_quoted_words_or_is_refused(text: str) -> None:
    """No character of the query language gets through, so no text is a wrong query or one of another meaning."""
    has_word = any(character.isalnum() or character == "_" for character in text)
    if not has_word:
        with pytest.raises(InvalidError, match="at least one word"):
            lucene_query(text)
        return
    query = lucene_query(text)

    assert QUERY.fullmatch(query)
    # Outside of quotes only our own operators are in capitals, so a user's AND is a word like others.
    assert set(re.findall(r"\b[A-Z]+\b", re.sub(QUOTED_WORD, "", query))) <= {"AND", "OR"}


@given(st.lists(st.from_regex(r"[a-z0-9_]{1,9}", fullmatch=True), min_size=1, max_size=9), st.data())
def test_every_word_of_the_text_is_in_the_query(words: list[str], data: st.DataObject) -> None:
    """In order, in small letters, whatever stands between them."""
    between = st.text(OPERATORS + ".,;'", min_size=1, max_size=3)
    text = "".join(word.upper() + data.draw(between) for word in words)

    assert re.findall(r'"(\w+)"', lucene_query(text)) == words


def test_the_last_word_may_be_the_beginning_of_one() -> None:
    """It is the one that is still being typed."""
    assert lucene_query("quantum chi") == '"quantum" AND ("chi" OR chi*)'
    assert lucene_query("Zürich 東京") == '"zürich" AND ("東京" OR 東京*)'


@pytest.mark.parametrize("text", ["", " ", "!?", "***", '""', "\x00", "→"])
def test_a_text_without_a_word_is_refused(text: str) -> None:
    """There is nothing to look for; the error names the argument and what came."""
    with pytest.raises(InvalidError, match="at least one word") as refused:
        lucene_query(text)

    assert refused.value.path == "text"
    assert repr(text) in str(refused.value)


def test_a_text_may_be_as_long_as_the_limit_and_no_longer() -> None:
    """The number of clauses of a query is bounded by its characters."""
    assert lucene_query("a" * MAX_QUERY_CHARACTERS)
    with pytest.raises(
        InvalidError, match=f"at most {MAX_QUERY_CHARACTERS} characters, got {MAX_QUERY_CHARACTERS + 1}"
    ):
        lucene_query("a" * (MAX_QUERY_CHARACTERS + 1))


def texts_to_find() -> Bundle:
    return Bundle.model_validate(
        {
            "format": BUNDLE_FORMAT,
            "predictors": [{"id": "rock", "name": "Rock"}],
            "scenarios": [
                {"id": f"S_{number}", "title": "Rock and roll", "text": "the same words in each"} for number in range(7)
            ],
            "killers": [
                {"id": "TK_1", "title": 'C++ (or "C#") and/or AT&T: a_b'},
                {"id": "TK_2", "title": "Not a rocket"},
            ],
        }
    )


async def found_ids(database: Database, text: str, *, first: int = 20, after: str | None = None) -> list[str]:
    page = await database.read(
        lambda unit: search(
            unit, text, subjects=SUBJECTS, first=first, after=after, plan=NodePlan(properties=("id", "title"))
        )
    )
    return [edge["node"]["id"] for edge in page["edges"]]


@pytest.mark.statements
async def test_any_text_is_a_query_that_the_index_takes(database: Database) -> None:
    """Operators, quotes, long words, many words and words that the index does not keep."""
    await import_bundle(database, texts_to_find())
    many = " ".join("ab"[number % 2] for number in range(MAX_QUERY_CHARACTERS // 2))
    for text in (
        'C++ (or "C#")',
        "NOT a",
        "AND",
        "a:b^2~",
        "_",
        "the",
        "a" * MAX_QUERY_CHARACTERS,
        many,
        "I\u0307",
        "²",
    ):
        await found_ids(database, text)

    assert await found_ids(database, 'c (or "C') == ["TK_1"]
    assert await found_ids(database, "not") == ["TK_2"]
    assert await found_ids(database, "ROCKE") == ["TK_2"]
    assert await found_ids(database, "rocke not") == []


@pytest.mark.statements
async def test_pages_of_equal_scores_join_to_the_whole(database: Database) -> None:
    """Rows that match equally well go by id, across pages too."""
    await import_bundle(database, texts_to_find())

    async def page(after: str | None) -> tuple[list[str], str | None]:
        found = await database.read(
            lambda unit: search(
                unit, "roll", subjects=CLAIM_SUBJECTS, first=3, after=after, plan=NodePlan(properties=("id",))
            )
        )
        return [edge["node"]["id"] for edge in found["edges"]], found["page_info"]["end_cursor"]

    pages, after = [], None
    for _ in range(3):
        ids, after = await page(after)
        pages.append(ids)
    assert pages == [["S_0", "S_1", "S_2"], ["S_3", "S_4", "S_5"], ["S_6"]]
    assert await page(after) == ([], None)


@pytest.mark.statements
async def test_only_the_asked_subjects_are_found(database: Database) -> None:
    """The same word in a predictor's name and in claims."""
    await import_bundle(database, texts_to_find())
    page = await database.read(
        lambda unit: search(
            unit, "rock", subjects=("Predictor",), first=9, after=None, plan=NodePlan(properties=("id",))
        )
    )

    assert [edge["node"] for edge in page["edges"]] == [{"id": "rock", "__typename": "Predictor"}]


@pytest.mark.statements
@pytest.mark.parametrize("cursor", ["deadline:2026|P", "search:high|P", "search:", ""])
async def test_a_cursor_from_elsewhere_is_refused(database: Database, cursor: str) -> None:
    """It would mean some other place."""
    with pytest.raises(InvalidError, match="expected a cursor from") as refused:
        await found_ids(database, "rock", after=cursor)

    assert refused.value.path == "after"


def many_texts() -> Bundle:
    """Two hundred claims with one word, in texts of few lengths, so that many match equally well, and predictors."""
    return Bundle.model_validate(
        {
            "format": BUNDLE_FORMAT,
            "predictors": [{"id": f"rock_{number}", "name": "rock"} for number in range(90)],
            "scenarios": [
                {"id": f"S_{number * 7 % 200:03d}", "title": "rock " + "and roll " * (number % 5)}
                for number in range(200)
            ],
        }
    )


class Asked:
    """Notes how many matches were asked of the index."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self.nums_matches: list[object] = []

    async def run(self, name: str, /, **parameters: object) -> list[Row]:
        """Run a statement."""
        self.nums_matches.append(parameters["max_matches"])
        return await self._unit.run(name, **parameters)


@pytest.mark.statements
@pytest.mark.parametrize("subjects", [SUBJECTS, ("Scenario",), ("Predictor",)])
async def test_pages_equal_a_sort_of_all_matches(database: Database, subjects: tuple[str, ...]) -> None:
    """However many of the best matches the index is asked for, the pages are those of all matches in order."""
    await import_bundle(database, many_texts())
    found = await ask(
        database,
        """CALL db.index.fulltext.queryNodes('subject_texts', $words) YIELD node, score
        WHERE any(label IN labels(node) WHERE label IN $subjects) RETURN score, node.id""",
        words=lucene_query("rock"),
        subjects=list(subjects),
    )
    whole = [node_id for _, node_id in sorted(found, key=lambda row: (-row[0], row[1]))]
    paged: list[str] = []
    after = None
    while True:
        page = await database.read(
            partial(search, text="rock", subjects=subjects, first=19, after=after, plan=NodePlan(properties=("id",)))
        )
        paged += [edge["node"]["id"] for edge in page["edges"]]
        if not page["page_info"]["has_next_page"]:
            break
        after = page["page_info"]["end_cursor"]

    assert len(whole) >= 90
    assert paged == whole


@pytest.mark.statements
async def test_a_page_asks_the_index_for_few_matches(database: Database) -> None:
    """Only where more match equally well, or matches are of other subjects, are more of them asked for."""
    await import_bundle(database, many_texts())

    async def nums_matches(text: str, subjects: tuple[str, ...]) -> list[object]:
        async def read(unit: Unit) -> list[object]:
            asked = Asked(unit)
            await search(asked, text, subjects=subjects, first=10, after=None, plan=NodePlan(properties=("id",)))
            return asked.nums_matches

        return await database.read(read)

    assert await nums_matches("S_007", SUBJECTS) == [MIN_MATCHES]
    assert await nums_matches("rock", ("Predictor",)) == [MIN_MATCHES, 4 * MIN_MATCHES]
