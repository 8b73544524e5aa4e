"""
Rewrites the lock of a Neo4j version: `python -m graph.server.relock 2026.08.1`.

For maintainers. Needs Maven (`mvn`) on the path and downloads some 180 MB into Maven's own cache. Maven resolves the
run-time dependencies of `org.neo4j:neo4j` here, so that users' machines need not. For a new version: enter it in
`releases.py`, delete the old lock and run `python -m pytest tests/graph/server`.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from graph.server.artifacts import Artifact
from graph.server.releases import RELEASES

_POM: Final = """\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>foregraph</groupId><artifactId>relock</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{version}</version><scope>runtime</scope>
    </dependency>
  </dependencies>
</project>
"""


def resolve(version: str, folder: Path) -> Path:
    """Copy the run-time class path of a Neo4j version into `folder` by Maven, laid out as a repository."""
    (folder / "pom.xml").write_text(_POM.format(version=version), encoding="utf-8")
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    options = ["-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true", "-DoutputDirectory=jars"]
    subprocess.run(["mvn", "--batch-mode", "--quiet", goal, *options], cwd=folder, check=True)  # noqa: S603, S607 - a maintainer's own Maven
    return folder / "jars"


def to_artifact(jar: Path, repository: Path) -> Artifact:
    """Read coordinates from a path in the repository: group/as/folders/name/version/name-version[-classifier].jar."""
    *group, name, version, file_name = jar.relative_to(repository).parts
    classifier = file_name.removeprefix(f"{name}-{version}").removesuffix(".jar").removeprefix("-")
    return Artifact(".".join(group), name, version, classifier, hashlib.sha256(jar.read_bytes()).hexdigest())


def write_lock(path: Path, artifacts: list[Artifact]) -> None:
    """Write the lock sorted, so that a new version makes a short diff."""
    head = f"# Made by `python -m graph.server.relock {path.stem.removeprefix('neo4j-')}`; do not edit.\n"
    lines = sorted(f"{artifact.coordinates} {artifact.sha256}\n" for artifact in artifacts)
    path.write_text(head + "".join(lines), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Rewrite the locks of the given versions, or of all versions in `releases.py`."""
    for version in arguments or [release.version for release in RELEASES.values()]:
        with tempfile.TemporaryDirectory() as folder:
            repository = resolve(version, Path(folder))
            artifacts = [to_artifact(jar, repository) for jar in repository.rglob("*.jar")]
        path = Path(__file__).with_name("locks") / f"neo4j-{version}.lock"
        write_lock(path, artifacts)
        sys.stdout.write(f"{path}: {len(artifacts)} artifacts\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
