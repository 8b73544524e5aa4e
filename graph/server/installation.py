"""A Neo4j that can be run: its jars, a Java, and the commands to run them."""

import os
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from graph.errors import ArtifactError, StartupError
from graph.server import config
from graph.server.artifacts import JarFolder
from graph.server.home import Home
from graph.server.java import Java
from graph.server.memory import LEAST_PAGE_CACHE
from graph.server.releases import Release

_ENTRY_POINT: Final = "META-INF/services/org.neo4j.server.startup.EntryPoint"
_ADMIN_TOOL: Final = "org.neo4j.cli.AdminTool"
_ADMIN_TIMEOUT_SECONDS: Final = 60.0  # it takes 1 s


@dataclass(frozen=True, slots=True)
class Installation:
    """One release of Neo4j, with its jars in the cache, the Java to run it, and settings that win over the usual."""

    release: Release
    java: Java
    jars: JarFolder
    heap: str
    page_cache: str = f"{LEAST_PAGE_CACHE}m"
    settings: Mapping[str, str] = field(default_factory=dict)

    def server_command(self, home: Home, port: int, extra_flags: Sequence[str] = ()) -> list[str]:
        """Write the configuration for this start into the home; returns the command that runs Neo4j on it."""
        own = config.settings(self.release, port=port, heap=self.heap, page_cache=self.page_cache)
        settings = {**own, **self.settings}
        (home.conf / "neo4j.conf").write_text(config.render_settings(settings), encoding="utf-8")
        flags = [*config.jvm_flags(self.release, heap=self.heap, logs=home.logs), *extra_flags]
        places = [f"--home-dir={home.neo4j_home}", f"--config-dir={home.conf}"]
        return self._command(
            home.conf / "server.args", [*flags, *self._class_path], self._main_class(), *places, "--console-mode"
        )

    def set_initial_password(self, home: Home) -> None:
        """
        Set the password of the user `neo4j`, from the password file, before the first start.

        Raises:
            StartupError: Neo4j's admin tool failed.
        """
        flags = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]  # it runs for a second
        command = self._command(home.conf / "admin.args", [*flags, *self._class_path], _ADMIN_TOOL)
        environment = {**os.environ, "NEO4J_HOME": str(home.neo4j_home), "NEO4J_CONF": str(home.conf)}
        arguments = [*command, "dbms", "set-initial-password", f"@{home.password_file}"]
        try:
            done = subprocess.run(  # noqa: S603 - our own command
                arguments,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=_ADMIN_TIMEOUT_SECONDS,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as error:
            raise StartupError(f"Neo4j's password was not set within {_ADMIN_TIMEOUT_SECONDS:g} s") from error
        if done.returncode:
            raise StartupError(f"Neo4j's password could not be set:\n{(done.stdout + done.stderr).strip()}")

    @property
    def _class_path(self) -> list[str]:
        return ["-cp", os.pathsep.join(map(str, self.jars.class_path))]

    def _command(self, file: Path, flags: Sequence[str], main_class: str, *arguments: str) -> list[str]:
        file.write_text(config.render_argument_file([*flags, main_class, *arguments]), encoding="utf-8")
        return [str(self.java.executable), f"@{file}"]

    def _main_class(self) -> str:
        """The class that starts this release, read from its jar, as the name differs between releases."""
        jar = next(path for path in self.jars.class_path if path.name == f"org.neo4j.neo4j-{self.release.version}.jar")
        try:
            with zipfile.ZipFile(jar) as archive:
                return archive.read(_ENTRY_POINT).decode().strip()
        except (KeyError, zipfile.BadZipFile) as error:
            raise ArtifactError(f"{jar} does not name the class that starts Neo4j") from error
