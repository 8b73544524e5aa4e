"""Whether search finds what it is asked for: each subject by its own title, and by what people make of it."""

import csv
import json
import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from graph.bundles.importing import import_bundle
from graph.database.migrations import migrate
from graph.database.sessions import Database
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.model.search_texts import SEARCHED_LISTS, exact_mark, fold
from graph.model.subjects import ROW_LISTS, SUBJECTS, NodeList, row_id
from graph.reading.search import TEXTS, search
from graph.reading.tree import NodePlan
from graph.sample import Sample
from graph.sample.loading import load_samples

SEED: Final = 20260101
NUM_GENERATED: Final = 1_000
FIRST: Final = 3
NUM_SHOWN: Final = 5
PARTS: Final = (
    *(
        "Moore's",
        "O\u2019Reilly",
        "l'\u00c9conomiste",
        "AT&T",
        "BRK.B",
        "GPT-3.5",
        "Node.js",
        "U.S.",
        "C++",
        "C#",
        "R&D",
        "e-mail",
    ),
    *(
        "10,000,000",
        "1.5\u00b0C",
        "3,5 %",
        "$100",
        "2026-10-05",
        "1/3",
        "50%",
        "#1",
        "24/7",
        "v2.0.1",
        "+1",
        "\u00bd",
        "10\u00b2",
    ),
    *(
        "S\u00e3o Paulo",
        "Z\u00fcrich",
        "\u0141\u00f3d\u017a",
        "Stra\u00dfe",
        "na\u00efve",
        "Bj\u00f6rk",
        "\u0130stanbul",
        "\u00c5ngstr\u00f6m",
    ),
    *(
        "\u6771\u4eac\u90fd",
        "\u7269\u4fa1\u304c\u4e0a\u304c\u308b",
        "\u4eba\u5de5\u667a\u80fd",
        "\ud55c\uad6d\uc5b4",
        "\u30c6\u30b9\u30e9",
    ),
    *(
        "\u0939\u093f\u0928\u094d\u0926\u0940",
        "\u0e44\u0e17\u0e22",
        "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
        "\u05e2\u05d1\u05e8\u05d9\u05ea",
    ),
    *(
        "\u041c\u043e\u0441\u043a\u0432\u0430",
        "\u0391\u03b8\u03ae\u03bd\u03b1",
        "\U0001f680",
        "\u2764\ufe0f",
        "\U0001f469\u200d\U0001f4bb",
        "\U0001f1fa\U0001f1f8",
    ),
    *(
        "(or",
        "not)",
        "AND",
        "OR",
        "[a TO b]",
        "x:y^2~",
        "{1}",
        '"quoted"',
        "back\\slash",
        "wild*card?",
        "and/or",
        "--",
        "\u2014",
    ),
    *(
        "fusion",
        "reactor",
        "humanoid",
        "robots",
        "ship",
        "before",
        "the",
        "law",
        "of",
        "a",
        "trillion",
        "models",
        "energy",
    ),
)

Titled = Mapping[str, list[str]]
"""The titles of nodes by their keys."""


async def benchmark_recall(database: Database, files: Sequence[str]) -> None:
    """
    Look for each node of the sample, of generated names and of files by its title, and print how many are found.

    Args:
        database: An empty database.
        files: Files of titles, as `read_titles` takes them.
    """
    await migrate(database)
    sample = load_samples(Sample.ALL)
    await import_bundle(database, sample)
    await _tell(database, "the sample", _titles_of(sample))
    generated = list(generate(NUM_GENERATED, random.Random(SEED)))
    for name, titles in (("generated names", generated), *((Path(file).name, read_titles(file)) for file in files)):
        rows = [{"id": f"{_key(name)}_{number:05d}", "title": title} for number, title in enumerate(titles)]
        await import_bundle(database, Bundle.model_validate({"format": BUNDLE_FORMAT, "scenarios": rows}))
        await _tell(database, name, {row["id"]: [row["title"]] for row in rows})


def read_titles(file: str) -> list[str]:
    """
    Read the titles in a file.

    Args:
        file: A path of a text with a title a line, of JSON with a list of objects with a `title`, or of CSV with the
            column that has them after a colon, such as `companies.csv:Name`.
    """
    path, _, column = file.partition(":")
    with Path(path).open(encoding="utf-8", newline="") as opened:
        if path.endswith(".json"):
            return [entry["title"] for entry in json.load(opened)]
        if column:
            return [row[column] for row in csv.DictReader(opened)]
        return [line.strip() for line in opened if line.strip()]


def generate(number: int, chosen: random.Random) -> Iterator[str]:
    """Yield titles of parts that are hard to cut, some of them decomposed as a Mac's file names are."""
    for index in range(number):
        title = " ".join(chosen.choices(PARTS, k=chosen.randint(2, 7)))
        title = f"{title} {index}" if index % 2 else f"{index} {title}"
        yield unicodedata.normalize("NFD", title) if index % 3 == 0 else title


def without_accents(text: str) -> str:
    """Return a text as a keyboard without accents types it."""
    bare = "".join(sign for sign in unicodedata.normalize("NFD", text) if not 0x300 <= ord(sign) < 0x370)
    return unicodedata.normalize("NFC", bare)


def misspelt(text: str) -> str:
    """Return a text whose longest word of letters alone has two letters exchanged; as it is without a long word."""
    words = [word for word in text.split() if word.isascii() and word.isalpha()]
    word = max(words, key=len, default="")
    if len(word) < FIRST + 1:
        return text
    return text.replace(word, word[:1] + word[2] + word[1] + word[3:], 1)


WRITTEN: Final[Mapping[str, Callable[[str], str]]] = {
    "as it is": str,
    "in capitals": str.upper,
    "decomposed": partial(unicodedata.normalize, "NFD"),
    "composed": partial(unicodedata.normalize, "NFC"),
    "without accents": without_accents,
    "misspelt": misspelt,
}


async def _tell(database: Database, name: str, titled: Titled) -> None:
    asked = [(key, title) for key, titles in titled.items() for title in titles if exact_mark(title) is not None]
    for way, write in WRITTEN.items():
        missed = [title for key, title in asked if not await _is_found(database, write(title), key, title)]
        examples = f"; missed {missed[:NUM_SHOWN]}" if missed else ""
        print(
            f"{name}, titles written {way}: {len(asked) - len(missed)} of {len(asked)} in the first {FIRST}{examples}",
            flush=True,
        )


async def _is_found(database: Database, text: str, key: str, title: str) -> bool:
    """Whether the node, or one with the same title, is among the first."""
    plan = NodePlan(properties=("id", *TEXTS))
    page = await database.read(partial(search, text=text, subjects=SUBJECTS, first=FIRST, after=None, plan=plan))
    nodes = [edge["node"] for edge in page["edges"]]
    return any(
        key in {node["id"], node["symbol"]} or fold(title) in {fold(node[name]) for name in TEXTS if node[name]}
        for node in nodes
    )


def _titles_of(bundle: Bundle) -> Titled:
    titled: dict[str, list[str]] = {}
    for name, rows in bundle.rows().items():
        listed = ROW_LISTS[name]
        if isinstance(listed, NodeList) and listed in SEARCHED_LISTS:
            for row in rows:
                titles: list[Any] = [getattr(row, title) for title in listed.titles]
                titled[row_id(row)] = [title for title in titles if title is not None]
    return titled


def _key(name: str) -> str:
    return "".join(sign for sign in name.upper() if sign.isascii() and sign.isalnum())
