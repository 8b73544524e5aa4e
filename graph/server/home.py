"""
The data directory of one project.

<data_dir>/
├── owner.lock     held by the process that starts Neo4j
├── server.lock    held by it, by the watchdog and by Neo4j itself, until the last of them has ended
├── run.json       who holds the directory since when, and the port once Neo4j is ready
├── password       random, made once, mode 0600
├── release        the newest version of Neo4j that has opened the data
└── neo4j-home/    conf, data, logs
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from graph.errors import AlreadyRunningError, ConfigurationError
from graph.server.files import is_locked, wait_for_lock, write_atomically
from graph.server.releases import Release, version_key

STOP_GRACE_SECONDS: Final = 30.0
"""How long Neo4j may take to stop before it is killed; it needs 2 s, and longer after heavy writing."""

_PASSWORD_BYTES: Final = 24
_PROBE_SECONDS: Final = 0.3  # so that one who only looks does not turn a starting server away
_ORPHAN_SECONDS: Final = STOP_GRACE_SECONDS + 5.0  # a server whose owner was killed is stopped within this time


@dataclass(frozen=True, slots=True)
class Running:
    """What run.json tells; `port` is 0 and `pid` None until Neo4j is ready."""

    owner_pid: int
    since: str
    version: str
    pid: int | None = None
    port: int = 0

    def __str__(self) -> str:
        return f"process {self.owner_pid}, running Neo4j {self.version} since {self.since}"


class Home:
    """The places in a data directory, and who may use them."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self.neo4j_home = self.data_dir / "neo4j-home"
        self.conf = self.neo4j_home / "conf"
        self.data = self.neo4j_home / "data"
        self.logs = self.neo4j_home / "logs"
        self.console_log = self.logs / "console.log"
        self.password_file = self.data_dir / "password"
        self._release_file = self.data_dir / "release"
        self._run_file = self.data_dir / "run.json"

    def make(self) -> None:
        """
        Makes the folders, for this user only.

        Raises:
            ConfigurationError: The place cannot be written.
        """
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.conf, self.data, self.logs):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigurationError(f"expected a data directory that can be written; got {error}") from error

    def claim(self, version: str) -> list[int]:
        """
        Takes the directory for this process and returns the locks' descriptors, the owner's and the server's.

        When its last owner was killed, its server is just being stopped by the watchdog; that is waited for.

        Raises:
            AlreadyRunningError: Another process has it.
        """
        owner = wait_for_lock(self.data_dir / "owner.lock", _PROBE_SECONDS)
        if owner is None:
            raise AlreadyRunningError(self._in_use())
        server = wait_for_lock(self.data_dir / "server.lock", _ORPHAN_SECONDS)
        if server is None:
            os.close(owner)
            raise AlreadyRunningError(f"{self._in_use()}; that process has ended, but its Neo4j goes on")
        self.write_running(Running(os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"), version))
        return [owner, server]

    def release(self, locks: list[int]) -> None:
        """Gives up what `claim` took."""
        self._run_file.unlink(missing_ok=True)
        for descriptor in locks:
            os.close(descriptor)

    def is_claimed(self) -> bool:
        """Whether a living process has the directory."""
        return is_locked(self.data_dir / "owner.lock")

    def find_running(self) -> Running | None:
        """The server that is ready on this directory, if there is one."""
        running = self._read_running()
        is_ready = (
            running is not None and running.port and self.is_claimed() and is_locked(self.data_dir / "server.lock")
        )
        return running if is_ready else None

    def write_running(self, running: Running) -> None:
        """Tells other processes who has the directory."""
        write_atomically(self._run_file, json.dumps(asdict(running)), mode=0o600)

    def mark_ready(self, pid: int, port: int) -> None:
        """Tells other processes where Neo4j is to be found."""
        running = self._read_running()
        assert running is not None  # noqa: S101 - `claim` wrote it
        self.write_running(Running(running.owner_pid, running.since, running.version, pid, port))

    def _read_running(self) -> Running | None:
        try:
            return Running(**json.loads(self._run_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _in_use(self) -> str:
        running = self._read_running()
        neo4j = f" (its Neo4j is process {running.pid})" if running and running.pid else ""
        return f"{self.data_dir} is in use by {running or 'another process'}{neo4j}; end it first, or use another one"

    @property
    def has_data(self) -> bool:
        """Whether a Neo4j has ever been started here."""
        return (self.data / "databases" / "system").exists()

    @property
    def needs_password(self) -> bool:
        """Whether Neo4j has not been told its password yet; a first start that broke off may have been."""
        return not self.has_data and not (self.data / "dbms" / "auth.ini").exists()

    def password(self) -> str:
        """
        The password of the user `neo4j`, made at the first call.

        Raises:
            ConfigurationError: It is gone while the data is still there.
        """
        if self.password_file.exists():
            return self.password_file.read_text(encoding="utf-8").strip()
        if not self.needs_password:
            raise ConfigurationError(
                f"expected the password of {self.data} in {self.password_file}, which is gone; "
                f"bring it back, or remove {self.data_dir} with all data in it"
            )
        password = secrets.token_hex(_PASSWORD_BYTES)  # no leading dash, nothing that a parser of arguments would read
        write_atomically(self.password_file, password, mode=0o600)
        return password

    def keep_last_log(self) -> None:
        """Makes way for the output of a new start and keeps that of the one before."""
        if self.console_log.exists():
            self.console_log.replace(self.console_log.with_suffix(".log.1"))

    def require_not_newer(self, release: Release) -> None:
        """
        Checks that this release may open the data.

        Raises:
            ConfigurationError: A newer Neo4j has opened it, and none goes back.
        """
        found = self._release_file.read_text(encoding="utf-8").strip() if self._release_file.exists() else ""
        if found and version_key(found) > version_key(release.version):
            raise ConfigurationError(
                f"{self.data_dir} was last opened by Neo4j {found}, and {release.version} is older and cannot read it; "
                "use the newer release, or another data directory"
            )

    def stamp(self, release: Release) -> None:
        """Notes which release is about to open the data."""
        write_atomically(self._release_file, release.version + "\n")
