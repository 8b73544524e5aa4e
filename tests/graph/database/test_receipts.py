"""Receipts without a database: which requests are the same, and how long each is known."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from graph.database.receipts import (
    KEYLESS_LIFETIME,
    MAX_KEY_CHARACTERS,
    PURGE_BATCH,
    WriteRequest,
    check_same,
    current_caller,
    make_receipt,
    own_key,
    purge_receipts,
    receipt_key,
)
from graph.database.sessions import Database, Unit
from graph.errors import InvalidError, KeyReusedError
from graph.model.page_keys import moment_text
from tests.helpers.fake_unit import FakeUnit

KEYED = WriteRequest("submitEvidence", {"claim": "P", "strength": {"named": "WEAK", "ratio": None}}, "k")
KEYLESS = WriteRequest("submitEvidence", {"claim": "P"})


def test_a_fingerprint_is_of_the_arguments_not_of_their_order() -> None:
    """A client's library may order them otherwise when it sends them again; any other value is another request."""
    reordered = WriteRequest("submitEvidence", {"strength": {"ratio": None, "named": "WEAK"}, "claim": "P"}, "k")
    changed = WriteRequest("submitEvidence", {"claim": "P", "strength": {"named": "STRONG", "ratio": None}}, "k")

    assert reordered.fingerprint() == KEYED.fingerprint()
    assert changed.fingerprint() != KEYED.fingerprint()


@pytest.mark.parametrize("key", ["", "a\nb", "k" * (MAX_KEY_CHARACTERS + 1)])
def test_a_key_is_short_printable_text(key: str) -> None:
    """The message says how long it is, since only its beginning is shown."""
    with pytest.raises(InvalidError, match=rf"printable characters, got .*\({len(key)} characters\)") as refused:
        WriteRequest("resolve", {}, key)

    assert refused.value.path == "idempotency_key"


def test_the_longest_key_is_taken() -> None:
    """The limit is the last length that is fine."""
    assert receipt_key(WriteRequest("resolve", {}, "k" * MAX_KEY_CHARACTERS)).endswith("k" * MAX_KEY_CHARACTERS)


CALLERS = ["", "ada", "bob", "a/b", "oidc:x y", "@", "a", "%40"]
KEYS = ["k", "@k", "@ada/k", "@/k", "b/k", "/k", "@@/k"]


def test_no_two_callers_have_a_key_in_common() -> None:
    """Whatever they are called, and whatever key one of them makes up."""
    kept = {own_key(key, caller) for caller in CALLERS for key in KEYS}

    assert len(kept) == len(CALLERS) * len(KEYS)
    assert own_key(None, "ada") is None


def test_keys_of_nobody_in_particular_are_kept_as_they_always_were() -> None:
    """Their receipts are older than callers."""
    assert receipt_key(KEYED) == "key:k"
    assert make_receipt(KEYED, KEYED.fingerprint(), "{}")["caller"] is None


def test_a_request_is_that_of_the_caller_for_whom_its_task_writes() -> None:
    token = current_caller.set("ada")
    try:
        request = WriteRequest("submitEvidence", {}, "k")
    finally:
        current_caller.reset(token)

    assert (request.caller, receipt_key(request)) == ("ada", "key:@ada/k")
    assert make_receipt(request, request.fingerprint(), "{}")["caller"] == "ada"


def test_requests_without_a_key_have_receipts_of_their_own() -> None:
    """They never meet each other, nor a client's key, whatever that is."""
    keys = {receipt_key(KEYLESS) for _ in range(100)}
    imitation = WriteRequest("submitEvidence", {}, next(iter(keys)))

    assert len(keys) == 100
    assert receipt_key(imitation) not in keys
    assert receipt_key(KEYED) == receipt_key(KEYED)


@pytest.mark.parametrize(
    "other",
    [
        {"mutation": "resolve", "fingerprint": KEYED.fingerprint()},
        {"mutation": "submitEvidence", "fingerprint": KEYLESS.fingerprint()},
    ],
)
def test_a_key_belongs_to_one_request(other: dict[str, str]) -> None:
    """The message names the key and the mutation that has it."""
    check_same(KEYED, KEYED.fingerprint(), make_receipt(KEYED, KEYED.fingerprint(), "{}"))

    with pytest.raises(KeyReusedError, match=f"key 'k' belongs to another {other['mutation']}; repeat") as refused:
        check_same(KEYED, KEYED.fingerprint(), other)

    assert refused.value.path == "idempotency_key"


def test_a_receipt_expires_only_without_a_key() -> None:
    """A client may come back with its key at any time; without one only the driver does, and soon."""
    begun = datetime.now(UTC)
    kept, passing = make_receipt(KEYED, "f", "{}"), make_receipt(KEYLESS, "f", "{}")

    assert kept["expiry_key"] is None
    lifetime = KEYLESS_LIFETIME
    assert moment_text(begun + lifetime) <= passing["expiry_key"] <= moment_text(datetime.now(UTC) + lifetime)
    assert (passing["mutation"], passing["fingerprint"], passing["answer"]) == ("submitEvidence", "f", "{}")


class Writes:
    """A database whose writes all run on one unit."""

    def __init__(self, unit: FakeUnit) -> None:
        self._unit = unit

    async def write(self, work: Callable[[Unit], Awaitable[Any]]) -> Any:
        """One write transaction."""
        return await work(self._unit)


@pytest.mark.parametrize("num_receipts", [0, 1, PURGE_BATCH, 2 * PURGE_BATCH + 3])
async def test_receipts_are_deleted_batch_by_batch(num_receipts: int) -> None:
    """Until a batch is not full, so that no transaction is large and none is left over."""
    left = [num_receipts]

    def purge(high: str, limit: int) -> list[dict[str, int]]:
        assert high == moment_text(moment)
        num_removed = min(limit, left[0])
        left[0] -= num_removed
        return [{"num_receipts": num_removed}]

    moment = datetime(2026, 7, 2, tzinfo=UTC) + timedelta(seconds=1)
    unit = FakeUnit({"database/purge_receipts": purge})

    assert await purge_receipts(cast("Database", Writes(unit)), moment) == num_receipts
    assert left == [0]
    assert len(unit.calls) == num_receipts // PURGE_BATCH + 1
