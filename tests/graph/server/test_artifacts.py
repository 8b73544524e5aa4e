"""Locks, and the jars they name in the cache."""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.errors import ArtifactError
from graph.server.artifacts import Artifact, JarFolder, read_lock
from graph.server.releases import RELEASES, Release

CONTENTS = {name: f"content of {name}".encode() * 100 for name in ("alpha", "beta", "gamma")}


def artifact(name: str) -> Artifact:
    return Artifact("org.example", name, "1.0", "", hashlib.sha256(CONTENTS[name]).hexdigest())


class Repository:
    """Hands out what it is told to, and remembers who asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, list[bytes]] = {}
        self._lock = threading.Lock()

    def fetch(self, wanted: Artifact, folder: Path) -> Path:
        """Answers what is next for this artifact, else what is right."""
        with self._lock:
            self.asked.append(wanted.name)
            answers = self.answers.get(wanted.name)
            content = answers.pop(0) if answers else CONTENTS[wanted.name]
        path = folder / "download"
        path.write_bytes(content)
        return path


@pytest.fixture
def repository() -> Repository:
    return Repository()


@pytest.fixture
def jars(tmp_path: Path, repository: Repository) -> JarFolder:
    return JarFolder(tmp_path / "jars", [artifact(name) for name in CONTENTS], repository.fetch)


def contents(jars: JarFolder) -> list[bytes]:
    return [path.read_bytes() for path in jars.class_path]


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_a_lock_names_its_neo4j_and_every_jar_once(release: Release) -> None:
    """A file name is what a jar stands under in the cache, so two artifacts may not share one."""
    artifacts = read_lock(release.lock)

    assert ("org.neo4j", "neo4j", release.version) in {(each.group, each.name, each.version) for each in artifacts}
    assert len({each.file_name for each in artifacts}) == len(artifacts) > 200
    assert all(len(each.sha256) == 64 for each in artifacts)


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
@pytest.mark.parametrize("system", ["linux-x86_64", "linux-aarch_64", "osx-x86_64", "osx-aarch_64"])
def test_a_lock_holds_the_network_code_of_each_platform(release: Release, system: str) -> None:
    """Netty's native jars are chosen by classifier, and one lock serves all."""
    assert system in {each.classifier for each in read_lock(release.lock)}


def test_a_lock_is_read_with_and_without_classifier(tmp_path: Path) -> None:
    """A classifier is a fourth part of the coordinates."""
    lock = tmp_path / "some.lock"
    lock.write_text("# a comment\na.b:c:1.2 00ff\na.b:d:1:linux-x86_64 11ee\n")

    assert read_lock(lock) == (
        Artifact("a.b", "c", "1.2", "", "00ff"),
        Artifact("a.b", "d", "1", "linux-x86_64", "11ee"),
    )


def test_all_jars_are_fetched_once(jars: JarFolder, repository: Repository) -> None:
    """What is there and right is not asked for again."""
    assert jars.ensure() == 3
    assert jars.ensure() == 0
    assert contents(jars) == list(CONTENTS.values())
    assert sorted(repository.asked) == sorted(CONTENTS)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:10])


def _flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [_truncate, _flip_a_byte, Path.unlink])
def test_a_damaged_jar_is_fetched_again_and_no_other(
    jars: JarFolder, repository: Repository, damage: Callable[[Path], None]
) -> None:
    """A change of size or time is noticed without reading every jar."""
    jars.ensure()
    repository.asked.clear()
    damage(jars.class_path[1])

    assert jars.ensure() == 1
    assert repository.asked == ["beta"]
    assert contents(jars) == list(CONTENTS.values())


def test_damage_that_keeps_size_and_time_is_found_by_a_thorough_look(jars: JarFolder, repository: Repository) -> None:
    """A failing disk does not touch a file's time."""
    jars.ensure()
    path = jars.class_path[2]
    seen = path.stat()
    _flip_a_byte(path)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))

    assert jars.ensure() == 0
    assert jars.ensure(thoroughly=True) == 1
    assert contents(jars) == list(CONTENTS.values())


def test_a_jar_that_was_only_touched_is_kept(jars: JarFolder, repository: Repository) -> None:
    """Its checksum says that it is still right; nothing needs the network."""
    jars.ensure()
    repository.asked.clear()
    jars.class_path[0].touch()

    assert jars.ensure() == 0
    assert repository.asked == []


def test_a_download_that_broke_off_is_tried_again(jars: JarFolder, repository: Repository) -> None:
    """A short answer has the wrong checksum."""
    repository.answers["beta"] = [CONTENTS["beta"][:7]]

    jars.ensure()

    assert repository.asked.count("beta") == 2
    assert contents(jars) == list(CONTENTS.values())


def test_a_wrong_file_never_becomes_a_jar(jars: JarFolder, repository: Repository) -> None:
    """A mirror that serves something else is refused by name and checksum, and what was right is kept."""
    repository.answers["beta"] = [b"something else"] * 3

    with pytest.raises(ArtifactError, match=rf"org\.example:beta:1\.0: expected .* {artifact('beta').sha256}"):
        jars.ensure()

    assert not jars.class_path[1].exists()
    assert jars.ensure() >= 1
    assert contents(jars) == list(CONTENTS.values())


def test_the_rest_of_a_killed_download_is_cleared_away(jars: JarFolder) -> None:
    """A process that was killed left its half of a file in a folder of its own."""
    left_over = jars.class_path[0].parent / ".incoming-dead" / "x"
    left_over.mkdir(parents=True)
    (left_over / "download").write_bytes(CONTENTS["alpha"][:9])

    assert jars.ensure() == 3
    assert not left_over.parent.exists()


def test_two_processes_do_not_fetch_the_same(jars: JarFolder, repository: Repository) -> None:
    """The second waits for the first and finds all done."""
    threads = [threading.Thread(target=jars.ensure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(repository.asked) == sorted(CONTENTS)


def test_a_failing_network_is_told_with_the_artifact(tmp_path: Path) -> None:
    """Whoever reads the message knows what to look for."""

    def fetch(wanted: Artifact, folder: Path) -> Path:
        raise OSError("no route to host")

    with pytest.raises(ArtifactError, match=r"org\.example:alpha:1\.0 could not be fetched: no route to host"):
        JarFolder(tmp_path / "jars", [artifact("alpha")], fetch).ensure()
