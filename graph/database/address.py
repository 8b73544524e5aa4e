"""The address of a database; apart, as settings and the embedded server's users need it without the driver."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Address of the database and credentials for it; the repr leaves the password out."""

    uri: str
    user: str
    password: str = field(repr=False)
    database: str = "neo4j"
