"""What each release is told."""

from pathlib import Path

import pytest

from graph.errors import ConfigurationError
from graph.server import config
from graph.server.releases import RELEASES, Release, get_release, version_key

ONLY_SINCE_2025 = {
    "db.query.default_language",
    "dbms.fleet_manager.enabled",
    "server.fleet_discovery.enabled",
}


def test_an_old_release_is_told_nothing_that_it_would_refuse() -> None:
    """Neo4j's strict validation ends a server over an unknown name."""
    new = config.settings(get_release("2026.08"), port=7687, heap="1g")
    old = config.settings(get_release("5.26"), port=7687, heap="1g")

    assert set(new) - set(old) == ONLY_SINCE_2025
    assert set(old) < set(new)


@pytest.mark.parametrize("name", RELEASES)
def test_only_loopback_hears_it_and_it_tells_nobody(name: str) -> None:
    """What a laptop runs must not be reachable, nor report."""
    settings = config.settings(get_release(name), port=4711, heap="1g")

    assert settings["server.bolt.listen_address"] == settings["server.bolt.advertised_address"] == "127.0.0.1:4711"
    assert settings["server.default_listen_address"] == "127.0.0.1"
    for key in ("server.http.enabled", "dbms.usage_report.enabled", "client.allow_telemetry"):
        assert settings[key] == "false"
    assert settings["dbms.security.auth_enabled"] == "true"


@pytest.mark.parametrize(
    ("heap", "all_transactions", "one_transaction"), [("1g", "512m", "384m"), ("768m", "384m", "288m")]
)
def test_transactions_leave_half_of_the_heap(heap: str, all_transactions: str, one_transaction: str) -> None:
    """At 1 GiB these are the limits that were tried out."""
    settings = config.settings(get_release("2026.08"), port=7687, heap=heap)

    assert settings["dbms.memory.transaction.total.max"] == all_transactions
    assert settings["db.memory.transaction.max"] == one_transaction


@pytest.mark.parametrize("heap", ["", "1", "1t", "-1g", "64m", "one"])
def test_a_heap_that_cannot_work_is_refused(heap: str) -> None:
    """The message shows what came."""
    with pytest.raises(ConfigurationError, match=f"got '{heap}'"):
        config.heap_mebibytes(heap)


def test_an_argument_file_keeps_blanks_quotes_and_backslashes() -> None:
    """Java reads a backslash in quotes as the beginning of an escape."""
    assert config.render_argument_file(["-cp", 'a b"c\\d']) == '"-cp"\n"a b\\"c\\\\d"\n'


def test_the_flags_name_heap_and_place_of_a_crash_report(tmp_path: Path) -> None:
    """Neo4j's own heap settings are read by its launcher alone, which we do not use."""
    flags = config.jvm_flags(get_release("2026.08"), heap="2g", logs=tmp_path)

    assert "-Xmx2048m" in flags
    assert f"-XX:ErrorFile={tmp_path}/hs_err_%p.log" in flags


def test_an_unknown_release_is_refused_by_name() -> None:
    """With the names that would do."""
    with pytest.raises(ConfigurationError, match=r"2026\.08, 5\.26; got '4\.4'"):
        get_release("4.4")


def test_releases_are_ordered_by_age() -> None:
    """Text order would put 5.26.30 last."""
    releases: list[Release] = sorted(RELEASES.values(), key=lambda release: version_key(release.version))

    assert [release.name for release in releases] == ["5.26", "2026.08"]
