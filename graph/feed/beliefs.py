"""Beliefs of claims as they are stored, and by how much they have moved from what a subscriber knows."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

from graph.database.paging import pages, slices
from graph.database.sessions import Database, Unit
from graph.errors import InvalidError
from graph.model.kinds import ClaimStatus

PAGE_CLAIMS: Final = 5_000
DEFAULT_THRESHOLD: Final = 0.01


class Baseline(StrEnum):
    """
    Values from which a change of a belief, or of a sum of them, is measured.

    Attributes:
        LAST_TOLD: What the subscriber was told last; at first, the value at the subscription.
        SUBSCRIPTION: The value at the subscription.
    """

    LAST_TOLD = "LAST_TOLD"
    SUBSCRIPTION = "SUBSCRIPTION"


class Reason(StrEnum):
    """
    Reasons for which a belief is told.

    Attributes:
        MOVED: It has moved by the threshold or more, or had none before.
        RESOLVED: The claim has come true or false.
        ANNULLED: The claim was annulled.
        REOPENED: The claim is open again.
        CREATED: The claim is new.
        DELETED: The claim was deleted.
        RESUMED: It may have moved since the event after which the subscriber goes on.
    """

    MOVED = "MOVED"
    RESOLVED = "RESOLVED"
    ANNULLED = "ANNULLED"
    REOPENED = "REOPENED"
    CREATED = "CREATED"
    DELETED = "DELETED"
    RESUMED = "RESUMED"


class Belief(NamedTuple):
    """
    A claim's belief as it is stored.

    Attributes:
        posterior: The posterior probability by its own evidence; None without a stated probability.
        marginal: The probability after propagation; None without one.
        status: The claim's status.
        kind: Prediction, Scenario or Killer.
        domain_id: Its domain.
        predictor_id: Its predictor.
    """

    posterior: float | None
    marginal: float | None
    status: str
    kind: str
    domain_id: str | None
    predictor_id: str | None


class Moved(NamedTuple):
    """
    A belief that is told.

    Attributes:
        claim_id: The claim.
        reason: Why it is told.
        before: The belief that the change is measured from; None if there was none or it is not known.
        after: The belief now; None for a claim that was deleted.
    """

    claim_id: str
    reason: Reason
    before: Belief | None
    after: Belief | None


class Change(NamedTuple):
    """
    A claim of which the stored belief has changed.

    Attributes:
        claim_id: The claim.
        before: Its belief before; None for a new claim.
        now: Its belief now; None for a claim that was deleted.
    """

    claim_id: str
    before: Belief | None
    now: Belief | None


@dataclass(frozen=True, slots=True)
class BeliefFilter:
    """
    Conditions on claims, all of which hold; an empty one holds for every claim.

    Attributes:
        claim_ids: The claims.
        kinds: Their kinds.
        domain_ids: Their domains.
        predictor_ids: Their predictors.
    """

    claim_ids: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    domain_ids: frozenset[str] = frozenset()
    predictor_ids: frozenset[str] = frozenset()

    def matches(self, claim_id: str, belief: Belief) -> bool:
        """Whether a claim satisfies it."""
        return (
            (not self.claim_ids or claim_id in self.claim_ids)
            and (not self.kinds or belief.kind in self.kinds)
            and (not self.domain_ids or belief.domain_id in self.domain_ids)
            and (not self.predictor_ids or belief.predictor_id in self.predictor_ids)
        )


EVERY_CLAIM: Final = BeliefFilter()


@dataclass(slots=True)
class Measure:
    """
    A subscriber's measure of changes, and the beliefs that it measures from where they are not those of the table.

    Attributes:
        threshold: The least change of the posterior or the marginal that is told, above 0.
        baseline: The beliefs from which it is measured.
        known: Those beliefs, by claim.

    Raises:
        InvalidError: The threshold is not above 0 and at most 1.
    """

    threshold: float = DEFAULT_THRESHOLD
    baseline: Baseline = Baseline.LAST_TOLD
    known: dict[str, Belief | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            message = f"expected a threshold above 0 and up to 1, got {self.threshold:g}"
            raise InvalidError(message, path="threshold")

    def move(self, claim_id: str, last: Belief | None, now: Belief | None) -> Moved | None:
        """
        Take a claim's new belief; returns what is to be told of it, if anything.

        Args:
            claim_id: The claim.
            last: The belief before, as the table had it.
            now: The belief now.
        """
        before = self.known.get(claim_id, last)
        reason = self._reason(before, now)
        if reason is None:
            self.known.setdefault(claim_id, before)
            return None
        keeps = reason is Reason.MOVED and self.baseline is Baseline.SUBSCRIPTION
        self.known[claim_id] = before if keeps else now
        if keeps and last is not None and now is not None and last[:3] == now[:3]:
            return None
        return Moved(claim_id, reason, before, now)

    def resume(self, claim_id: str, now: Belief | None) -> Moved:
        """Take the belief of a claim that may have moved while nobody listened, and tell it."""
        self.known[claim_id] = now
        return Moved(claim_id, Reason.DELETED if now is None else Reason.RESUMED, None, now)

    def _reason(self, before: Belief | None, now: Belief | None) -> Reason | None:
        if before is None or now is None:
            return None if before is now else Reason.DELETED if now is None else Reason.CREATED
        if before.status != now.status:
            if now.status == ClaimStatus.OPEN:
                return Reason.REOPENED
            return Reason.ANNULLED if now.status == ClaimStatus.ANNULLED else Reason.RESOLVED
        if now.status != ClaimStatus.OPEN:
            return None
        pairs = ((before.posterior, now.posterior), (before.marginal, now.marginal))
        return Reason.MOVED if any(self._has_moved(*pair) for pair in pairs) else None

    def _has_moved(self, before: float | None, now: float | None) -> bool:
        if before is None or now is None:
            return before is not now
        return abs(now - before) >= self.threshold


class BeliefTable:
    """
    The beliefs of all claims, read once and then claim by claim, as the feed names them.

    Args:
        database: The database to read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._beliefs: dict[str, Belief] = {}

    async def load(self) -> None:
        """Read all claims."""
        beliefs: dict[str, Belief] = {}

        async def read(after: str) -> Sequence[Sequence[Any]]:
            (row,) = await self._database.read(
                lambda unit: unit.run("feed/page_claims", after=after, limit=PAGE_CLAIMS)
            )
            found: Sequence[Sequence[Any]] = row["claims"]
            return found

        async for page in pages(read, itemgetter(0), PAGE_CLAIMS):
            beliefs.update((claim[0], Belief(*claim[1:])) for claim in page)
        self._beliefs = beliefs

    def find(self, claim_id: str) -> Belief | None:
        """The belief in a claim; None for one that is not known."""
        return self._beliefs.get(claim_id)

    async def update(self, claim_ids: Collection[str]) -> list[Change]:
        """Read some claims again; returns each that has changed, with its belief before and now."""
        read: dict[str, Belief] = {}
        for part in slices(sorted(claim_ids), PAGE_CLAIMS):
            for row in await self._database.read(partial(_list_claims, ids=part)):
                read.update((claim[0], Belief(*claim[1:])) for claim in row["claims"])
        changes = [Change(claim_id, self.find(claim_id), read.get(claim_id)) for claim_id in sorted(claim_ids)]
        for claim_id, _, now in changes:
            if now is None:
                self._beliefs.pop(claim_id, None)
            else:
                self._beliefs[claim_id] = now
        return [change for change in changes if change.before != change.now]

    def list_matching(self, wanted: BeliefFilter, claim_ids: Iterable[str]) -> list[str]:
        """Those of some claims that satisfy a filter; of one that is gone, whether it is named is all that is known."""
        return [
            claim_id
            for claim_id in claim_ids
            if (
                wanted.matches(claim_id, belief)
                if (belief := self.find(claim_id)) is not None
                else claim_id in wanted.claim_ids
            )
        ]


async def _list_claims(unit: Unit, ids: Sequence[str]) -> list[dict[str, Any]]:
    return await unit.run("feed/list_claims", ids=ids)
