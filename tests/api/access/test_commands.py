"""Keys are made, listed, rotated and revoked on the command line, which shows each once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.access.commands import read_end
from api.access.keys import is_well_formed, read_keys
from api.cli import cli
from graph.errors import InvalidError
from resolvers.base.roles import Role

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the commands use."""
    monkeypatch.setenv("FOREGRAPH_KEYS_FILE", str(tmp_path / "keys.json"))
    return tmp_path / "keys.json"


def run(*arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(cli, ["keys", *arguments])


def test_a_key_is_shown_once(file: Path) -> None:
    made = run("create", "news", "--role", "intake", "--role", "analyst", "--expires", "90d")

    assert made.exit_code == 0
    secret = made.stdout.strip()
    assert is_well_formed(secret)
    (key,) = read_keys(file)
    assert key.roles == (Role.INTAKE, Role.ANALYST)
    assert key.expires_at is not None
    assert abs(key.expires_at - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=5)
    listed = run("list").stdout
    assert "intake,analyst" in listed
    assert "valid" in listed
    assert secret not in listed


def test_keys_are_rotated_and_revoked(file: Path) -> None:
    first = run("create", "news", "--role", "reader").stdout.strip()
    second = run("rotate", "news", "--overlap-hours", "2").stdout.strip()

    assert is_well_formed(second)
    assert first != second
    assert run("list").stdout.count("valid") == 2
    assert run("revoke", "news").exit_code == 0
    assert run("list").stdout.count("was revoked") == 2
    assert run("revoke", "news").exit_code == 1
    assert len(read_keys(file)) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["news"], "--role"),
        (["news", "--role", "public"], "'public' is not one of"),
        (["News", "--role", "reader"], "lower-case letters"),
        (["news", "--role", "reader", "--expires", "soon"], "'soon'"),
        (["news", "--role", "reader", "--expires", "2020-01-01"], "in the future"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(file: Path, arguments: list[str], told: str) -> None:
    result = run("create", *arguments)

    assert result.exit_code == 2
    assert told in result.stderr
    assert not file.exists()


def test_without_keys_the_list_says_how_to_make_one(file: Path) -> None:
    assert "foregraph keys create" in run("list").stdout
    assert not file.exists()


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("1d", datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03-01T15:00", datetime(2026, 3, 1, 15, tzinfo=UTC)),
        ("2026-03-01T15:00+02:00", datetime(2026, 3, 1, 13, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_key_is_read(text: str, end: datetime) -> None:
    assert read_end(text, NOW) == end


@pytest.mark.parametrize("text", ["", "d", "1.5d", "9999999999d", "tomorrow", "2026-13-01"])
def test_an_end_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="number of days"):
        read_end(text, NOW)


def test_roles_are_printed_with_every_door() -> None:
    told = CliRunner().invoke(cli, ["roles"])

    assert told.exit_code == 0
    for line in ("route         POST /cypher", "mutation      resolveClaim", "tool          run_cypher"):
        assert line in told.stdout
