"""The supported releases of Neo4j: their jars, Java versions, settings and flags."""

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
        name: Name of the release series, `2026.08`.
        version: The exact version in the lock, `2026.08.1`.
        java_versions: The feature versions of Java that it supports.
        settings: Settings of its neo4j.conf besides those of all releases; older releases reject unknown names.
        jvm_flags: Flags for its Java besides those of all releases.
    """

    name: str
    version: str
    java_versions: tuple[int, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    jvm_flags: tuple[str, ...] = ()

    @property
    def lock(self) -> Path:
        """The file that lists every artifact with its checksum."""
        return _LOCKS / f"neo4j-{self.version}.lock"


_RELEASES: Final = (
    Release(
        "2026.08",
        "2026.08.1",
        java_versions=(25,),
        settings={
            "db.query.default_language": "CYPHER_25",  # applies when the store is created
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
    Get a release by name.

    Raises:
        ConfigurationError: No supported release has that name.
    """
    if name not in RELEASES:
        raise ConfigurationError(f"expected a Neo4j release, one of {', '.join(RELEASES)}; got {name!r}")
    return RELEASES[name]


def version_key(version: str) -> tuple[int, ...]:
    """Sort key of a version: 5.26.30 comes before 2026.08.1."""
    return tuple(int(part) for part in version.split("."))
