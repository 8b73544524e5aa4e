"""
The data directory of one project.

<data_dir>/
├── owner.lock     shared by all processes that use Neo4j, which ends with the last of them
├── server.lock    held by the process that starts Neo4j, the watchdog and Neo4j itself, until the last two have ended
├── run.json       the process that started Neo4j, its start, and the port once Neo4j is ready
├── password       random, made once, mode 0600
├── release        the newest version of Neo4j that has opened the data
└── neo4j-home/    conf, data, logs
"""

import fcntl
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from graph.errors import AlreadyRunningError, ConfigurationError
from graph.server.files import is_locked, try_lock, wait_for_lock, write_atomically
from graph.server.guarded import STOP_GRACE_SECONDS, Use
from graph.server.releases import Release, version_key

_PASSWORD_BYTES: Final = 24
_PROBE_SECONDS: Final = 0.3  # so that a process which only probes the lock does not make a start fail
_ORPHAN_SECONDS: Final = STOP_GRACE_SECONDS + 5.0  # a server without users is stopped within this time
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """Content of run.json; `port` is 0 and `pid` None until Neo4j is ready."""

    owner_pid: int
    since: str
    version: str
    pid: int | None = None
    port: int = 0

    def __str__(self) -> str:
        return f"process {self.owner_pid}, running Neo4j {self.version} since {self.since}"


class Home:
    """The paths in a data directory, and its users."""

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
        self._owner_lock = self.data_dir / "owner.lock"
        self._server_lock = self.data_dir / "server.lock"
        self.use = Use(self._owner_lock, self._run_file)

    def make(self) -> None:
        """
        Make the folders, for this user only.

        Raises:
            ConfigurationError: The directory cannot be written.
        """
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.conf, self.data, self.logs):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigurationError(f"expected a data directory that can be written; got {error}") from error

    def claim(self, version: str) -> list[int]:
        """
        Become the first user of the directory; returns the descriptors of owner.lock and server.lock.

        Where the last user was killed, waits until the watchdog has stopped the server. Other processes may become
        users from now on. The server's lock is for the server to inherit.

        Raises:
            AlreadyRunningError: Another process uses the directory.
        """
        deadline = time.monotonic() + _ORPHAN_SECONDS
        while True:
            owner = wait_for_lock(self._owner_lock, _PROBE_SECONDS)
            if owner is None:
                raise AlreadyRunningError(self._in_use())
            server = try_lock(self._server_lock)
            if server is not None:
                break
            os.close(owner)  # the watchdog needs it to see that nobody uses its server
            if time.monotonic() > deadline:
                raise AlreadyRunningError(f"{self._in_use()}; that process has ended, but its Neo4j is still running")
            time.sleep(_POLL_SECONDS)
        self.mark_starting(version)
        fcntl.flock(owner, fcntl.LOCK_SH)  # others cannot lock it for themselves, since they need server.lock as well
        return [owner, server]

    def join(self) -> int | None:
        """Become a further user of a server that is ready; returns the descriptor of owner.lock, else None."""
        if not self.data_dir.exists():
            return None
        owner = wait_for_lock(self._owner_lock, _PROBE_SECONDS, shared=True)
        if owner is not None and self._find_ready() is None:
            os.close(owner)
            return None
        return owner

    def leave(self, owner: int) -> None:
        """Use the directory no longer; waits until the server has stopped, unless others use it."""
        os.close(owner)
        deadline = time.monotonic() + _ORPHAN_SECONDS
        while self.is_served() and time.monotonic() < deadline:
            if self._has_users() and self._run_file.exists():
                return
            time.sleep(_POLL_SECONDS)

    def release(self, locks: list[int]) -> None:
        """Release the locks that `claim` returned."""
        self._run_file.unlink(missing_ok=True)
        for descriptor in locks:
            os.close(descriptor)

    def try_restart(self) -> int | None:
        """Lock server.lock and return its descriptor; None while a server runs, or another process starts one."""
        return try_lock(self._server_lock)

    def is_claimed(self) -> bool:
        """Whether a running process uses the directory."""
        return is_locked(self._owner_lock, also_shared=True)

    def is_served(self) -> bool:
        """Whether a server runs on the directory, or is being started."""
        return is_locked(self._server_lock)

    def find_running(self) -> Running | None:
        """Find the server that is ready on this directory; None if there is none, or nobody uses it any more."""
        return self._find_ready() if self._has_users() else None

    def _find_ready(self) -> Running | None:
        running = self._read_running()
        return running if running is not None and running.port and self.is_served() else None

    def _has_users(self) -> bool:
        # The watchdog locks owner.lock for itself while it removes the note, so the note must be read after this.
        return self.is_claimed() and not is_locked(self._owner_lock)

    def write_running(self, running: Running) -> None:
        """Record for other processes which process holds the directory."""
        write_atomically(self._run_file, json.dumps(asdict(running)), mode=0o600)

    def mark_ready(self, pid: int, port: int) -> None:
        """Record for other processes the port of Neo4j."""
        running = self._read_running()
        assert running is not None  # noqa: S101 - `claim` wrote it
        self.write_running(Running(running.owner_pid, running.since, running.version, pid, port))

    def mark_starting(self, version: str) -> None:
        """Record for other processes that this one starts Neo4j again."""
        self.write_running(Running(os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"), version))

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
        """Whether Neo4j's password is not set yet; an interrupted first start may have set it."""
        return not self.has_data and not (self.data / "dbms" / "auth.ini").exists()

    def password(self) -> str:
        """
        The password of the user `neo4j`, made at the first call.

        Raises:
            ConfigurationError: The password file is missing while there is data.
        """
        if self.password_file.exists():
            return self.password_file.read_text(encoding="utf-8").strip()
        if not self.needs_password:
            raise ConfigurationError(
                f"expected the password of {self.data} in {self.password_file}, which is gone; "
                f"restore it, or remove {self.data_dir} with all data in it"
            )
        password = secrets.token_hex(_PASSWORD_BYTES)  # no leading dash or other character special to argument parsers
        write_atomically(self.password_file, password, mode=0o600)
        return password

    def keep_last_log(self) -> None:
        """Rename the last start's console log, to keep it beside the new one."""
        if self.console_log.exists():
            self.console_log.replace(self.console_log.with_suffix(".log.1"))

    def require_not_newer(self, release: Release) -> None:
        """
        Check that this release can open the data.

        Raises:
            ConfigurationError: A newer Neo4j has opened it, and stores cannot be downgraded.
        """
        found = self._release_file.read_text(encoding="utf-8").strip() if self._release_file.exists() else ""
        if found and version_key(found) > version_key(release.version):
            raise ConfigurationError(
                f"{self.data_dir} was last opened by Neo4j {found}, and {release.version} is older and cannot read it; "
                "use the newer release, or another data directory"
            )

    def stamp(self, release: Release) -> None:
        """Record which release is about to open the data."""
        write_atomically(self._release_file, release.version + "\n")
