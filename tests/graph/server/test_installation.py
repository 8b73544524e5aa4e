"""Commands that run Neo4j, made of a small jar and a Java that only notes what it is told."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from graph.errors import ArtifactError, StartupError
from graph.server.artifacts import Artifact, JarFolder
from graph.server.home import Home
from graph.server.installation import Installation
from graph.server.java import Java
from graph.server.releases import RELEASES, Release

ENTRY_POINT = "META-INF/services/org.neo4j.server.startup.EntryPoint"
NOTES = '#!/bin/sh\nprintf "%s\\n" "$@" "$NEO4J_HOME" "$NEO4J_CONF"\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A fresh data directory, whose path has a blank in it."""
    home = Home(tmp_path / "my data")
    home.make()
    return home


def installation(folder: Path, release: Release, java: str = NOTES) -> Installation:
    """An installation of two jars; its `java` is a script."""
    executable = folder / "java" / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(java)
    executable.chmod(0o700)
    artifacts = [Artifact("org.neo4j", "neo4j", release.version, "", ""), Artifact("org.example", "other", "1", "", "")]
    jars = JarFolder(folder, artifacts, lambda *_: folder)
    with zipfile.ZipFile(jars.class_path[0], "w") as archive:
        archive.writestr(ENTRY_POINT, f"org.example.Start{release.version}\n")
    return Installation(release, Java(folder / "java", "25.0.2"), jars, heap="1g")


def arguments(command: list[str]) -> list[str]:
    """The arguments in the file that a command names."""
    _, file = command
    assert file.startswith("@")
    return [line.removeprefix('"').removesuffix('"') for line in Path(file[1:]).read_text().splitlines()]


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_the_class_that_starts_neo4j_is_read_from_its_jar(tmp_path: Path, home: Home, release: Release) -> None:
    """Its name differs between releases; flags come before it, and the places after it."""
    installed = installation(tmp_path, release)
    command = installed.server_command(home, 4711, ["-XX:+Extra"])
    given = arguments(command)
    start = given.index(f"org.example.Start{release.version}")

    assert command[0] == str(tmp_path / "java" / "bin" / "java")
    assert given[start + 1 :] == [f"--home-dir={home.neo4j_home}", f"--config-dir={home.conf}", "--console-mode"]
    assert given[start - 3 : start - 1] == ["-XX:+Extra", "-cp"]
    assert given[start - 1].split(":") == [str(path) for path in installed.jars.class_path]
    assert "-Xmx1024m" in given


def test_the_configuration_is_written_anew_for_each_start(tmp_path: Path, home: Home) -> None:
    """The port may be another one."""
    installed = installation(tmp_path, RELEASES["2026.08"])
    for port in (4711, 4712):
        installed.server_command(home, port)

    settings = (home.conf / "neo4j.conf").read_text()
    assert "server.bolt.listen_address=127.0.0.1:4712\n" in settings
    assert "4711" not in settings


def test_given_settings_win_over_the_usual_ones(tmp_path: Path, home: Home) -> None:
    """One of Foregraph's own, and one that it does not set."""
    given = {"db.transaction.timeout": "7s", "dbms.cypher.min_replan_interval": "1h"}
    replace(installation(tmp_path, RELEASES["2026.08"]), settings=given).server_command(home, 4711)

    lines = (home.conf / "neo4j.conf").read_text().splitlines()
    assert [line for line in lines if line.partition("=")[0] in given] == [
        f"{key}={value}" for key, value in given.items()
    ]


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_a_jar_that_names_no_class_is_told(tmp_path: Path, home: Home, content: bytes) -> None:
    """By its path; nothing could be started."""
    installed = installation(tmp_path, RELEASES["5.26"])
    (jar, _) = installed.jars.class_path
    jar.write_bytes(content)

    with pytest.raises(ArtifactError, match=f"{jar} does not name the class that starts Neo4j"):
        installed.server_command(home, 4711)


def test_a_password_is_handed_over_by_file(tmp_path: Path, home: Home) -> None:
    """Arguments of a process can be read by every user; a failure shows what the tool has said."""
    home.password()
    installed = installation(tmp_path, RELEASES["5.26"], f"{NOTES}exit 3\n")

    with pytest.raises(StartupError, match="Neo4j's password could not be set") as caught:
        installed.set_initial_password(home)

    _, *given = str(caught.value).splitlines()
    file, *rest = given
    assert rest == ["dbms", "set-initial-password", f"@{home.password_file}", str(home.neo4j_home), str(home.conf)]
    assert arguments(["java", file])[-1] == "org.neo4j.cli.AdminTool"
    assert home.password() not in str(caught.value)


def test_a_password_that_was_set_is_no_news(tmp_path: Path, home: Home) -> None:
    """The tool has ended well."""
    installation(tmp_path, RELEASES["5.26"]).set_initial_password(home)
