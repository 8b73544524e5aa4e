"""Trusted documents: what is answered in each mode, and what is wrong with a document before it is sent."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner
from pydantic import ValidationError

from api.app import create_app
from api.cli import cli
from api.documents import identify
from api.mcp.asking import list_documents
from api.settings import Settings
from api.trust import TrustMode
from api.trusted import Trusted
from api.usual import list_usual
from graph.errors import ConfigurationError
from tests.helpers.service_fakes import build_app, codes, open_client

KNOWN = "query Known { hello }"
OTHER = "query Other { hello }"
ANSWER = {"data": {"hello": "hello world"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one document, which ends with a line's end as files do."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "known.graphql").write_text(f"{KNOWN}\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("query Not { hello }", encoding="utf-8")
    return tmp_path


@contextmanager
def logged() -> Iterator[list[str]]:
    """The ids of the documents that are logged within the block."""
    found: list[str] = []
    with structlog.testing.capture_logs() as entries:
        yield found
    found += [entry["document_id"] for entry in entries if "not trusted" in entry["event"]]


@pytest.mark.parametrize("mode", [TrustMode.LOG, TrustMode.PREFER, TrustMode.ONLY])
async def test_a_document_of_the_folder_is_known_by_its_id_from_the_start(folder: Path, mode: TrustMode) -> None:
    """By each of the ways to name it, and by its text as it is in the file and without the line's end."""
    app = build_app(trusted_documents=mode, trusted_documents_dir=folder)
    persisted = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": identify(KNOWN)}}}
    async with open_client(app) as client:
        with logged() as ids:
            answers = [
                await client.post("/graphql", json={"documentId": identify(KNOWN)}),
                await client.get("/graphql", params={"documentId": f"sha256:{identify(KNOWN)}"}),
                await client.post("/graphql", json=persisted),
                await client.post("/graphql", json={"query": KNOWN}),
                await client.post("/graphql", json={"query": f"{KNOWN}\n"}),
            ]

    assert [answer.json() for answer in answers] == [ANSWER] * 5
    assert ids == []


@pytest.mark.parametrize("mode", TrustMode)
async def test_other_documents_are_answered_logged_or_refused(folder: Path, mode: TrustMode) -> None:
    """Again and again, and each is logged once; what is no document of the folder is no trusted one."""
    given = {} if mode is TrustMode.OFF else {"trusted_documents": mode, "trusted_documents_dir": folder}
    async with open_client(build_app(**given)) as client:
        with logged() as ids:
            found = [await client.post("/graphql", json={"query": OTHER}) for _ in range(3)]
            found += [await client.get("/graphql", params={"query": "query Not { hello }"})]

    if mode is TrustMode.ONLY:
        assert {answer.status_code for answer in found} == {403}
        assert [codes(answer) for answer in found] == [["DOCUMENT_NOT_TRUSTED"]] * 4
    else:
        assert [answer.json() for answer in found] == [ANSWER] * 4
    assert ids == ([identify(OTHER), identify("query Not { hello }")] if mode is TrustMode.LOG else [])


async def test_an_id_that_is_in_no_folder_is_not_found(folder: Path) -> None:
    """Also where others are refused, so that clients know what to do."""
    app = build_app(trusted_documents=TrustMode.ONLY, trusted_documents_dir=folder)
    async with open_client(app) as client:
        answer = await client.post("/graphql", json={"documentId": identify(OTHER)})

    assert (answer.status_code, codes(answer)) == (404, ["DOCUMENT_NOT_FOUND"])


def test_the_service_answers_what_it_asks_of_itself(folder: Path) -> None:
    """Else it would never be ready, and no agent's tool would work."""
    trusted = Trusted.load(TrustMode.ONLY, folder)

    assert all(trusted.allows(identify(text)) for text in (*list_usual().values(), *list_documents()))
    assert not trusted.allows(identify(OTHER))


def test_a_folder_and_a_mode_need_each_other(tmp_path: Path) -> None:
    """One without the other would be a mistake that nobody notices; so would a folder that is none."""
    for given in ({"trusted_documents": "only"}, {"trusted_documents_dir": tmp_path}):
        with pytest.raises(ValidationError, match="need each other"):
            Settings.model_validate(given)
    with pytest.raises(ConfigurationError, match="expected a folder"):
        create_app(Settings(trusted_documents=TrustMode.ONLY, trusted_documents_dir=tmp_path / "none"))


def test_documents_are_checked_and_priced_before_they_are_sent(tmp_path: Path) -> None:
    """With the limits of the settings: each by its id, what its operations cost, and where it is wrong."""
    texts = {
        "cheap.graphql": "query Cheap($n: Int = 9) { predictions(first: $n) { nodes { key } } }",
        "dear.gql": "{ predictions(first: 100) { nodes { evidence(first: 100) { nodes { claim { killers(first: 100) "
        "{ nodes { kind } } } } } } } }",
        "unknown.graphql": "{ nothing }",
        "broken.graphql": "query A { predictions(",
        "deep.graphql": "{" * 70,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(f"{text}\n", encoding="utf-8")

    found = CliRunner().invoke(cli, ["documents", "check", str(tmp_path)])
    for name in texts.keys() - {"cheap.graphql"}:
        (tmp_path / name).unlink()
    mended = CliRunner().invoke(cli, ["documents", "check", str(tmp_path)])

    parts = dict(re.findall(r"^[0-9a-f]{64}  (\S+)\n((?:  .*\n)*)", found.output, re.MULTILINE))
    assert f"{identify(texts['cheap.graphql'])}  cheap.graphql\n  Cheap: 10 rows, 0 points\n" in found.output
    assert "at most 20000 are allowed" in parts["dear.gql"]
    assert "line 1, column 3: Cannot query field 'nothing'" in parts["unknown.graphql"]
    assert "Syntax Error" in parts["broken.graphql"]
    assert "brackets open at once" in parts["deep.graphql"]
    assert "fault" not in parts["cheap.graphql"]
    assert (found.exit_code, mended.exit_code) == (2, 0)
