"""Files of API keys for tests, and what stands where a database would that nobody is to ask."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from api.access.keys import KeyFile
from graph.database.sessions import Database
from graph.errors import UnavailableError
from resolvers.base.roles import GIVEN, Role

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Issued:
    """A file of keys: a valid one of each role, and of operators one that has expired and one that was revoked."""

    file: Path
    valid: dict[Role, str]
    expired: str
    revoked: str


def issue(file: Path) -> Issued:
    """Issue keys."""
    keys = KeyFile(file)
    valid: dict[Role, str] = {role: keys.create(f"a-{role}", [role]) for role in GIVEN}
    revoked = keys.create("a-revoked", [Role.OPERATOR])
    keys.revoke("a-revoked")
    expired = keys.create("an-expired", [Role.OPERATOR], datetime.now(UTC) + timedelta(days=1))
    with keys._changing() as found:
        found[-1] = replace(found[-1], expires_at=LONG_AGO)
    return Issued(file, valid, expired, revoked)


def bearing(key: str) -> dict[str, str]:
    """The headers of a request with a key."""
    return {"authorization": f"Bearer {key}"}


class _NoDatabase:
    def __getattr__(self, name: str) -> Any:
        raise UnavailableError("there is no database")


NO_DATABASE = cast("Database", _NoDatabase())
"""A database that cannot be reached."""
