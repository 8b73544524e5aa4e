"""The load that Java is trained on: what a client of ours does, so that a fresh server is quick at that."""

from typing import Final, TypeVar

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database, DatabaseAddress
from graph.model.bundle import BUNDLE_FORMAT, LISTS, Bundle
from graph.model.rows import Row
from graph.reading.warming import warm
from graph.sample import load_sample
from graph.server.launch import Endpoint

RowT = TypeVar("RowT", bound=Row)

_COPIES: Final = 40  # some five thousand rows: enough for Java to see what is hot
_NAMES: Final = frozenset({"id", "symbol", "idempotency_key"})


async def exercise(endpoint: Endpoint) -> None:
    """
    Import the sample many times over, and plan what clients read.

    The cache keeps what Java has learned of the methods that ran often, so that a fresh server compiles them at once.
    """
    address = DatabaseAddress(endpoint.uri, endpoint.user, endpoint.password, endpoint.database)
    async with Database.open(address) as database:
        await import_bundle(database, _training_bundle())
        await warm(database)


def _training_bundle() -> Bundle:
    """The sample again and again under other ids."""
    rows = load_sample().rows()
    copies = {name: [renamed(row, number) for number in range(_COPIES) for row in rows[name]] for name in LISTS}
    return Bundle(format=BUNDLE_FORMAT, **{name: tuple(listed) for name, listed in copies.items()})


def renamed(row: RowT, number: int) -> RowT:
    """The same row under another id, with the same number before all ids in it."""
    names = (name for name in type(row).model_fields if name in _NAMES or name.endswith("_id"))
    given = {name: getattr(row, name) for name in names}
    return row.model_copy(update={name: f"{number}.{value}" for name, value in given.items() if value is not None})
