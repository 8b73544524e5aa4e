"""
Requests that write, each counted once: a receipt in the graph says what was asked under a key and what was answered.

The receipt is taken first, so that the same request sent twice at once waits for its twin and then finds the answer.
It is written in the transaction that writes everything else, so that both are there or neither is.
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
# Without a key nobody can ask again but our own driver, which does so within seconds.
KEYLESS_LIFETIME = timedelta(days=1)
KEYED, KEYLESS = "key:", "auto:"
PURGE_BATCH = 1_000

Payload = dict[str, Any]
"""What a request answers, as JSON holds it."""


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """
    A request to write.

    Attributes:
        mutation: Its name; a key is used for one mutation only.
        arguments: All that says what to write, as JSON holds it.
        idempotency_key: Under which a retry is known; None for a request that nobody repeats.
        is_dry_run: Do everything but keep nothing.
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
        """The same for the same arguments, whatever their order."""
        text = json.dumps(self.arguments, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answered:
    """
    What a request was answered.

    Attributes:
        payload: The answer itself; equal for each retry.
        is_replayed: Whether it was there already.
        is_dry_run: Whether nothing was kept.
        bookmark: Stands for the state after the write; None where nothing was written.
    """

    payload: Payload
    is_replayed: bool = False
    is_dry_run: bool = False
    bookmark: str | None = None


class _DryRunError(Exception):
    """Rolls the transaction of a dry run back."""

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
    Carry out a request in one write transaction, or return what it was answered before.

    Args:
        database: Where to.
        request: What is asked, under which key.
        work: Writes everything and returns the answer; it may run twice, so it does nothing but talk to the database.
        claim_ids: The claims that `work` reads in order to write them; they are locked before it runs.
        raises_revision: Whether the write can change a belief or an influence.

    Raises:
        KeyReusedError: The key stands for another request.
        RefusedError: As `work` raises it.
    """
    key = receipt_key(request)
    fingerprint = request.fingerprint()
    locked = sorted(set(claim_ids))

    async def within(unit: Unit) -> Answered:
        (opened,) = await unit.run("database/open_receipts", keys=[key], claim_ids=locked)
        for before in opened["known"]:
            check_same(request, fingerprint, before)
            return Answered(json.loads(before["answer"]), is_replayed=True, is_dry_run=request.is_dry_run)
        # As a retry will read it: what JSON makes of it.
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
    What a request was answered before, for one that is more than a transaction; None where it was not.

    Raises:
        KeyReusedError: The key stands for another request.
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
    """Remove the receipts of requests without a key that have expired; returns how many."""
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
    """The key of a request's receipt: its own, or one that nobody else has."""
    return KEYLESS + uuid.uuid4().hex if request.idempotency_key is None else KEYED + request.idempotency_key


def check_same(request: WriteRequest, fingerprint: str, before: Mapping[str, Any]) -> None:
    """
    That what was receipted under a request's key is that request.

    Raises:
        KeyReusedError: It is another one.
    """
    if before["mutation"] != request.mutation or before["fingerprint"] != fingerprint:
        message = (
            f"expected a key of its own for each request, got {request.idempotency_key!r}, which stands for another "
            f"{before['mutation']}; repeat that very request, or choose another key"
        )
        raise KeyReusedError(message, path="idempotency_key")


def make_receipt(request: WriteRequest, fingerprint: str, answer: str) -> dict[str, Any]:
    """What a receipt says: what was asked, what was answered, and until when it is kept."""
    now = datetime.now(UTC)
    expires = None if request.idempotency_key is not None else moment_text(now + KEYLESS_LIFETIME)
    return {
        "mutation": request.mutation,
        "fingerprint": fingerprint,
        "answer": answer,
        "recorded_at": now,
        "expiry_key": expires,
    }
