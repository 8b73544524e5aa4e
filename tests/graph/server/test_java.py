"""Which Java is taken."""

from pathlib import Path

import pytest

from graph.errors import ConfigurationError
from graph.server.java import find_java
from graph.server.releases import get_release


def make_java(home: Path, version: str | None, says: str = "") -> Path:
    (home / "bin").mkdir(parents=True)
    java = home / "bin" / "java"
    java.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    java.chmod(0o755)
    if version:
        (home / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}"\n')
    return home


def test_the_wheel_brings_a_java_that_suits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else needs to be installed."""
    monkeypatch.delenv("FOREGRAPH_JAVA_HOME", raising=False)

    assert find_java(get_release("2026.08")).feature_version == 25


def test_an_argument_goes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearer choice wins."""
    monkeypatch.setenv("FOREGRAPH_JAVA_HOME", str(make_java(tmp_path / "variable", "21.0.8")))

    assert find_java(get_release("5.26")).version == "21.0.8"
    assert find_java(get_release("5.26"), make_java(tmp_path / "argument", "17.0.1")).version == "17.0.1"


def test_a_java_that_does_not_suit_is_refused_with_both_versions(tmp_path: Path) -> None:
    """Neo4j's own message would be a stack trace."""
    with pytest.raises(ConfigurationError, match=r"Neo4j 5\.26\.\d+ runs on Java 17 or 21; found Java 11\.0\.2 in"):
        find_java(get_release("5.26"), make_java(tmp_path / "java", "11.0.2"))


def test_a_java_without_a_release_file_is_asked(tmp_path: Path) -> None:
    """Some distributions leave the file out."""
    home = make_java(tmp_path / "java", None, 'openjdk version "21.0.4" 2024-07-16')

    assert find_java(get_release("5.26"), home).version == "21.0.4"


def test_a_home_without_java_is_refused(tmp_path: Path) -> None:
    """The message says where it looked."""
    with pytest.raises(ConfigurationError, match=rf"no bin/java to run in {tmp_path}"):
        find_java(get_release("5.26"), tmp_path)
