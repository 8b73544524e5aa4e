"""The releases of Neo4j that we run: what they are made of, which Java they want, and what they are told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from graph.errors import ConfigurationError

_LOCKS: Final = Path(__file__).with_name("locks")


@dataclass(frozen=True, slots=True)
class Release:
    """
    One release of Neo4j.

    Attributes:
        name: What a caller asks for, `2026.08`.
        version: The exact version that the lock holds, `2026.08.1`.
        java_versions: The feature versions of Java that Neo4j supports for it.
        settings: What its neo4j.conf says besides what all releases are told; an older one refuses these names.
        jvm_flags: What its Java is told besides what all releases are told.
    """

    name: str
    version: str
    java_versions: tuple[int, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    jvm_flags: tuple[str, ...] = ()

    @property
    def lock(self) -> Path:
        """The file that names every artifact with its checksum."""
        return _LOCKS / f"neo4j-{self.version}.lock"


_RELEASES: Final = (
    Release(
        "2026.08",
        "2026.08.1",
        java_versions=(25,),
        settings={
            "db.query.default_language": "CYPHER_25",  # read when the store is made
            "dbms.fleet_manager.enabled": "false",
            "server.fleet_discovery.enabled": "false",  # broadcasts on the network unless told not to
        },
        jvm_flags=(
            "-Dio.netty.leakDetection.level=DISABLED",
            "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
            "-Dorg.neo4j.shaded.lucene9.vectorization.upperJavaFeatureVersion=25",
        ),
    ),
    Release("5.26", "5.26.30", java_versions=(17, 21)),
)

RELEASES: Final[Mapping[str, Release]] = {release.name: release for release in _RELEASES}


def get_release(name: str) -> Release:
    """
    The release of this name.

    Raises:
        ConfigurationError: We do not run such a release.
    """
    if name not in RELEASES:
        raise ConfigurationError(f"expected a Neo4j release, one of {', '.join(RELEASES)}; got {name!r}")
    return RELEASES[name]


def version_key(version: str) -> tuple[int, ...]:
    """Orders versions by age: 5.26.30 comes before 2026.08.1."""
    return tuple(int(part) for part in version.split("."))
