"""
Idempotent writes: a receipt in the graph records the request under a key and its answer.

The receipt is locked first, so that a retry sent at the same time waits for the original and then finds the answer.
It is written in the same transaction as everything else, so that both are stored or neither.
"""

import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from graph.database.sessions import Database, Unit
from graph.errors import InvalidError, KeyReusedError
from graph.model.page_keys import moment_text

MAX_KEY_CHARACTERS = 200
# Without a key only our own driver retries, within seconds.
KEYLESS_LIFETIME = timedelta(days=1)
KEYED, KEYLESS = "key:", "auto:"
PURGE_BATCH = 1_000

Payload = dict[str, Any]
"""Answer of a request, as JSON."""


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """
    A request to write.

    Attributes:
        mutation: The mutation's name; a key belongs to one mutation.
        arguments: Everything that determines what is written, as JSON.
        idempotency_key: Identifies retries; None for a request without retries.
        is_dry_run: Roll the write back and return what it would have answered.
    """

    mutation: str
    arguments: Mapping[str, Any]
    idempotency_key: str | None = None
    is_dry_run: bool = False

    def __post_init__(self) -> None:
        key = self.idempotency_key
        if key is not None and not (1 <= len(key) <= MAX_KEY_CHARACTERS and key.isprintable()):
            message = f"expected 1 to {MAX_KEY_CHARACTERS} printable characters, got {key[:80]!r}"
            raise InvalidError(f"{message} ({len(key)} characters)", path="idempotency_key")

    def fingerprint(self) -> str:
        """A hash of the arguments, independent of their order."""
        text = json.dumps(self.arguments, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answered:
    """
    Answer to a request.

    Attributes:
        payload: The answer itself; equal for each retry.
        is_replayed: Whether the answer comes from an earlier request's receipt.
        is_dry_run: Whether the write was rolled back.
        bookmark: Bookmark of the state after the write; None where nothing was written.
    """

    payload: Payload
    is_replayed: bool = False
    is_dry_run: bool = False
    bookmark: str | None = None


class _DryRunError(Exception):
    """Rolls back the transaction of a dry run."""

    def __init__(self, payload: Payload) -> None:
        super().__init__()
        self.payload = payload


async def write_once(
    database: Database,
    request: WriteRequest,
    work: Callable[[Unit], Awaitable[Payload]],
    *,
    claim_ids: Collection[str] = (),
    raises_revision: bool = True,
) -> Answered:
    """
    Carry out a request in one write transaction, or return its earlier answer.

    Args:
        database: The database to write to.
        request: The request with its key.
        work: Writes everything and returns the answer; it may run twice, so it must have no other effects.
        claim_ids: The claims that `work` reads in order to write them; they are locked before it runs.
        raises_revision: Whether the write can change a belief or an influence.

    Raises:
        KeyReusedError: The key belongs to another request.
        RefusedError: As raised by `work`.
    """
    key = receipt_key(request)
    fingerprint = request.fingerprint()
    locked = sorted(set(claim_ids))

    async def within(unit: Unit) -> Answered:
        (opened,) = await unit.run("database/open_receipts", keys=[key], claim_ids=locked)
        for before in opened["known"]:
            check_same(request, fingerprint, before)
            return Answered(json.loads(before["answer"]), is_replayed=True, is_dry_run=request.is_dry_run)
        # Through JSON, so that the first answer equals those of retries.
        text = json.dumps(await work(unit), ensure_ascii=False)
        if request.is_dry_run:
            raise _DryRunError(json.loads(text))
        receipt = {"key": key, "properties": make_receipt(request, fingerprint, text)}
        await unit.run("database/close_receipts", receipts=[receipt], refused=[], rises=raises_revision)
        return Answered(json.loads(text))

    try:
        answered, bookmark = await database.write_marked(within)
    except _DryRunError as outcome:
        return Answered(outcome.payload, is_dry_run=True)
    return Answered(answered.payload, answered.is_replayed, answered.is_dry_run, bookmark)


async def find_answer(database: Database, request: WriteRequest) -> Answered | None:
    """
    Find the earlier answer to a request that takes more than one transaction; None if there is none.

    Raises:
        KeyReusedError: The key belongs to another request.
    """
    if request.idempotency_key is None:
        return None

    async def work(unit: Unit) -> list[dict[str, Any]]:
        return await unit.run("database/find_receipt", key=receipt_key(request))

    rows = await database.read(work)
    if not rows:
        return None
    (before,) = rows
    check_same(request, request.fingerprint(), before)
    return Answered(json.loads(before["answer"]), is_replayed=True, is_dry_run=request.is_dry_run)


async def purge_receipts(database: Database, moment: datetime) -> int:
    """Remove expired receipts of requests without a key; returns how many."""
    num_purged = 0
    while True:

        async def work(unit: Unit) -> int:
            (row,) = await unit.run("database/purge_receipts", high=moment_text(moment), limit=PURGE_BATCH)
            return int(row["num_receipts"])

        num_removed = await database.write(work)
        num_purged += num_removed
        if num_removed < PURGE_BATCH:
            return num_purged


def receipt_key(request: WriteRequest) -> str:
    """The key of a request's receipt: the idempotency key, or a unique one."""
    return KEYLESS + uuid.uuid4().hex if request.idempotency_key is None else KEYED + request.idempotency_key


def check_same(request: WriteRequest, fingerprint: str, before: Mapping[str, Any]) -> None:
    """
    Check that a receipt under a request's key is of the same request.

    Raises:
        KeyReusedError: The receipt is of another request.
    """
    if before["mutation"] != request.mutation or before["fingerprint"] != fingerprint:
        message = (
            f"expected a key of its own for each request, got {request.idempotency_key!r}, which stands for another "
            f"{before['mutation']}; repeat that very request, or choose another key"
        )
        raise KeyReusedError(message, path="idempotency_key")


def make_receipt(request: WriteRequest, fingerprint: str, answer: str) -> dict[str, Any]:
    """Make a receipt's properties: the request, its answer, and when it expires."""
    now = datetime.now(UTC)
    expires = None if request.idempotency_key is not None else moment_text(now + KEYLESS_LIFETIME)
    return {
        "mutation": request.mutation,
        "fingerprint": fingerprint,
        "answer": answer,
        "recorded_at": now,
        "expiry_key": expires,
    }
