"""
Idempotent write requests: a receipt in the graph keeps the request and the answer of each idempotency key.

The receipt's node is locked first, so that of two equal requests sent at once the second waits and then finds the
first one's answer. It is written in the transaction that does the request's own work: both are committed, or neither.

Keys are the caller's own: two callers may use one key without meeting. Receipts from before there were callers, and
keys of whoever has no name, belong to nobody in particular.
"""

import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from graph.database.revisions import changes_of_claims
from graph.database.sessions import Database, Unit
from graph.errors import InvalidError, KeyReusedError
from graph.model.page_keys import moment_text

MAX_KEY_CHARACTERS = 200
# Only the driver repeats a request without a key, when it retries a transaction, and it does so within seconds.
KEYLESS_LIFETIME = timedelta(days=1)
KEYED, KEYLESS = "key:", "auto:"
OWNED = "@"
"""Begins the key of a caller with a name, as it is kept."""
PURGE_BATCH = 1_000

current_caller: ContextVar[str] = ContextVar("current_caller", default="")
"""The name of the caller on whose behalf this task writes; empty for nobody in particular."""

Payload = dict[str, Any]
"""A request's answer, as JSON values."""


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """
    A request to write.

    Attributes:
        mutation: The mutation's name; a key serves one mutation only.
        arguments: All arguments that decide what is written, as JSON values.
        idempotency_key: The key that identifies a retry; None for a request that is not repeated.
        is_dry_run: Whether to compute the answer and roll back.
        caller: The name of whoever asks; empty for nobody in particular.

    Raises:
        InvalidError: The key is empty, too long or not printable.
    """

    mutation: str
    arguments: Mapping[str, Any]
    idempotency_key: str | None = None
    is_dry_run: bool = False
    caller: str = field(default_factory=current_caller.get)

    def __post_init__(self) -> None:
        key = self.idempotency_key
        if key is not None and not (1 <= len(key) <= MAX_KEY_CHARACTERS and key.isprintable()):
            message = f"expected 1 to {MAX_KEY_CHARACTERS} printable characters, got {key[:80]!r}"
            raise InvalidError(f"{message} ({len(key)} characters)", path="idempotency_key")

    def fingerprint(self) -> str:
        """Return a digest of the arguments that does not depend on their order."""
        text = json.dumps(self.arguments, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answered:
    """
    The answer to a write request.

    Attributes:
        payload: The answer itself; equal for each retry.
        is_replayed: Whether an earlier request with the same key had this answer.
        is_dry_run: Whether the transaction was rolled back.
        bookmark: The database's bookmark of the state after the write; None where nothing was written.
    """

    payload: Payload
    is_replayed: bool = False
    is_dry_run: bool = False
    bookmark: str | None = None


class _DryRunError(Exception):
    """Rolls back the transaction of a dry run, and carries its answer out."""

    def __init__(self, payload: Payload) -> None:
        super().__init__()
        self.payload = payload


def _no_entries(_payload: Payload) -> Collection[str]:
    return ()


async def write_once(
    database: Database,
    request: WriteRequest,
    work: Callable[[Unit], Awaitable[Payload]],
    *,
    claim_ids: Collection[str] = (),
    list_entries: Callable[[Payload], Collection[str]] = _no_entries,
    raises_revision: bool = True,
) -> Answered:
    """
    Carry out a request in one write transaction, or return the answer that an earlier request with its key had.

    Args:
        database: The database to write to.
        request: The request and its idempotency key.
        work: Writes everything and returns the answer; it may run twice, so it does nothing but talk to the database.
        claim_ids: The claims that `work` reads in order to write them; they are locked before it runs.
        list_entries: Lists the rows that `work` has appended to the ledger, from its answer.
        raises_revision: Whether the write can change a belief or an influence, and `work` leaves it to this function
            to raise the revision; then `claim_ids` are all the claims that it changes, and it changes no influence.

    Raises:
        KeyReusedError: The key belongs to another request.
        RefusedError: `work` refuses the request.
    """
    key = receipt_key(request)
    fingerprint = request.fingerprint()
    locked_ids = sorted(set(claim_ids))

    async def within(unit: Unit) -> Answered:
        (opened,) = await unit.run("database/open_receipts", keys=[key], claim_ids=locked_ids)
        for before in opened["known"]:
            check_same(request, fingerprint, before)
            return Answered(json.loads(before["answer"]), is_replayed=True, is_dry_run=request.is_dry_run)
        # Through JSON, so that the first answer equals the one that a retry reads from the receipt.
        payload = await work(unit)
        text = json.dumps(payload, ensure_ascii=False)
        if request.is_dry_run:
            raise _DryRunError(json.loads(text))
        receipt = {"key": key, "properties": make_receipt(request, fingerprint, text)}
        changes = changes_of_claims(locked_ids, list_entries(payload)).parameters()
        await unit.run("database/close_receipts", receipts=[receipt], refused=[], rises=raises_revision, **changes)
        return Answered(json.loads(text))

    try:
        answered, bookmark = await database.write_marked(within)
    except _DryRunError as dry_run:
        return Answered(dry_run.payload, is_dry_run=True)
    return Answered(answered.payload, answered.is_replayed, answered.is_dry_run, bookmark)


async def find_answer(database: Database, request: WriteRequest) -> Answered | None:
    """
    Find the answer that an earlier request with the same key had; None where there was none.

    For requests that take more than one transaction; `write_once` does this by itself.

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
    """Delete the receipts of requests without a key that expired before a moment; returns how many."""
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
    """Return the key of a request's receipt: its idempotency key, or a fresh one."""
    key = own_key(request.idempotency_key, request.caller)
    return KEYLESS + uuid.uuid4().hex if key is None else KEYED + key


def own_key(idempotency_key: str | None, caller: str | None = None) -> str | None:
    """
    An idempotency key as it is kept, such that no two callers have one in common; None for no key.

    Args:
        idempotency_key: The key as the caller has it.
        caller: The caller's name; by default of the one on whose behalf this task writes.
    """
    name = current_caller.get() if caller is None else caller
    if idempotency_key is None or not (name or idempotency_key.startswith(OWNED)):
        return idempotency_key
    escaped = name.replace("%", "%25").replace("/", "%2F")
    return f"{OWNED}{escaped}/{idempotency_key}"


def check_same(request: WriteRequest, fingerprint: str, before: Mapping[str, Any]) -> None:
    """
    Raise KeyReusedError unless a receipt under the request's key is of the same request.

    Args:
        request: The request.
        fingerprint: Its fingerprint.
        before: The receipt's properties.

    Raises:
        KeyReusedError: The receipt is of another mutation or of other arguments.
    """
    if before["mutation"] != request.mutation or before["fingerprint"] != fingerprint:
        message = (
            f"the idempotency key {request.idempotency_key!r} belongs to another {before['mutation']}; repeat exactly "
            "that request, or choose another key"
        )
        raise KeyReusedError(message, path="idempotency_key")


def make_receipt(request: WriteRequest, fingerprint: str, answer: str) -> dict[str, Any]:
    """Make a receipt's properties: the request, its answer, and the moment at which the receipt expires."""
    now = datetime.now(UTC)
    expires = None if request.idempotency_key is not None else moment_text(now + KEYLESS_LIFETIME)
    return {
        "mutation": request.mutation,
        "fingerprint": fingerprint,
        "answer": answer,
        "recorded_at": now,
        "expiry_key": expires,
        "caller": request.caller or None,
    }
