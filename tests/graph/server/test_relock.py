"""What a maintainer's lock is made of."""

import hashlib
from pathlib import Path

import pytest

from graph.server.artifacts import Artifact, read_lock
from graph.server.relock import to_artifact, write_lock


@pytest.mark.parametrize(
    ("place", "coordinates"),
    [
        ("org/neo4j/neo4j/2026.08.1/neo4j-2026.08.1.jar", "org.neo4j:neo4j:2026.08.1"),
        ("io/netty/epoll/4.2.Final/epoll-4.2.Final-linux-x86_64.jar", "io.netty:epoll:4.2.Final:linux-x86_64"),
    ],
)
def test_coordinates_are_read_from_the_place_in_a_repository(tmp_path: Path, place: str, coordinates: str) -> None:
    """A classifier follows the version in the file's name only."""
    jar = tmp_path / place
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"jar")

    artifact = to_artifact(jar, tmp_path)

    assert artifact.coordinates == coordinates
    assert artifact.sha256 == hashlib.sha256(b"jar").hexdigest()


def test_a_lock_that_was_written_reads_the_same(tmp_path: Path) -> None:
    """In an order that does not depend on Maven's."""
    artifacts = [Artifact("b", "x", "1", "", "00"), Artifact("a", "y", "2", "osx-aarch_64", "11")]
    write_lock(tmp_path / "neo4j-1.lock", artifacts)

    assert read_lock(tmp_path / "neo4j-1.lock") == tuple(sorted(artifacts))
