"""Subscriptions to the feed of changes."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Annotated, Any, Final, Self

import strawberry
from strawberry.types import Info

from graph.database.revisions import MAX_NOTED, EventKind
from graph.errors import InvalidError
from graph.exposure.following import follow_portfolio
from graph.exposure.store import get_portfolio
from graph.feed.beliefs import DEFAULT_THRESHOLD, BeliefFilter, Measure
from graph.feed.beliefs import Baseline as BaselineKind
from graph.feed.events import EventId
from graph.feed.following import Following, Interest, Message
from graph.feed.sums import MOST_STEPS, SumInterest, SumMeasure, SumMoved
from graph.model.lists import ClaimKind
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS
from graph.reading.nodes import get_nodes
from resolvers.base.context import Context
from resolvers.base.described import description_of, input_type, object_type
from resolvers.base.enums import Baseline
from resolvers.base.extents import Arguments, Extent, extent, one_row
from resolvers.base.fields import shown
from resolvers.base.ranked import put_nodes
from resolvers.base.relay import parse_key
from resolvers.base.selection import selected_plan
from resolvers.types.marginals import shown_run
from resolvers.types.notices import (
    BeliefsChanged,
    ExposureMoved,
    LedgerAppended,
    MilestonesDue,
    PropagationFinished,
    shown_event,
    shown_move,
    shown_total,
)
from resolvers.types.portfolio import holder_of

MOST_NAMED: Final = 1_000
"""The most claims, domains or predictors that a subscription names."""

Since = Annotated[
    str | None,
    strawberry.argument(
        description="Id of the last event that is known; what came after it is told first, and nothing is left out. "
        "From now on if omitted. The error EVENT_GONE says that later events are not kept any more."
    ),
]
Claims = Annotated[
    list[strawberry.ID] | None,
    strawberry.argument(description=f"Ids or keys of claims, at most {MOST_NAMED:,}; all claims if omitted."),
]


@input_type
class BeliefFilterInput:
    """Conditions on claims, all of which hold."""

    kind: list[ClaimKind] | None = strawberry.field(default=None, description="Kinds of claims.")
    domains: list[strawberry.ID] | None = strawberry.field(default=None, description="Ids or keys of domains.")
    predictors: list[strawberry.ID] | None = strawberry.field(default=None, description="Ids or keys of predictors.")


def _many(_arguments: Arguments) -> Extent:
    return Extent(items=MAX_NOTED)


def _steps(_arguments: Arguments) -> Extent:
    return Extent(items=MOST_STEPS)


def subscribing(bound: Any) -> Any:
    """Make a subscription of an asynchronous generator, which its docstring describes, and a bound for each message."""

    def decorate(follow: Any) -> Any:
        return strawberry.subscription(resolver=follow, description=description_of(follow), metadata=extent(bound))

    return decorate


@object_type
class Subscription:
    """
    Changes as they are committed, by whatever process, in one order.

    Each message names its event. Whoever was away subscribes again with the last one as `since`, and gets what came
    meanwhile. A subscriber who does not take messages in time is ended.
    """

    @subscribing(_many)
    async def belief_changed(
        self,
        info: Info[Context, Any],
        claims: Claims = None,
        filter: Annotated[
            BeliefFilterInput | None, strawberry.argument(description="Conditions on the claims; all if omitted.")
        ] = None,
        threshold: Annotated[
            float,
            strawberry.argument(
                description="The least change of the posterior or the marginal probability from its baseline, above 0."
            ),
        ] = DEFAULT_THRESHOLD,
        baseline: Annotated[
            Baseline, strawberry.argument(description="The belief that changes are measured from.")
        ] = BaselineKind.LAST_TOLD,
        since: Since = None,
    ) -> AsyncGenerator[BeliefsChanged, None]:
        """
        Beliefs that move by a threshold or more from a baseline, as stored; outcomes, after which nothing follows until
        the claim is open again; claims that are open again, new or deleted.

        After `since`, each claim that may have moved meanwhile is told once, however little it has, as what was told
        before is not known.
        """
        interest = Interest(EventKind.BELIEFS, _read_filter(claims, filter), Measure(threshold, baseline))
        async with _follow(info, interest, since) as messages:
            async for message in messages:
                changes = [shown_move(moved) for moved in message.moved]
                await put_nodes(info, changes, "claim", CLAIM, selected_plan(info, "changes", "claim"))
                yield shown({**shown_event(message.event, BeliefsChanged), "changes": changes})

    @subscribing(_steps)
    async def exposure_changed(
        self,
        info: Info[Context, Any],
        portfolio: Annotated[
            str, strawberry.argument(description="Name of a stored portfolio, one's own or for an operator anyone's.")
        ],
        threshold: Annotated[
            float,
            strawberry.argument(
                description="The least change of the expectation from its baseline, above 0, in its unit: weight times "
                "relevance."
            ),
        ],
        baseline: Annotated[
            Baseline, strawberry.argument(description="The expectation that changes are measured from.")
        ] = BaselineKind.LAST_TOLD,
        since: Since = None,
    ) -> AsyncGenerator[ExposureMoved, None]:
        """
        Expected signed relevance of a stored portfolio that moves by a threshold or more from a baseline, by beliefs as
        stored: 1 or 0 of a claim with an outcome, else the marginal, else the posterior. It is told, too, that the
        portfolio was deleted, and that it is there again.

        Propagation that follows a write is an event of its own. After `since`, the expectation is told once if it may
        have moved meanwhile, however little it has.
        """
        await get_portfolio(info.context.unit, portfolio, holder_of(info.context))
        total = SumInterest(follow_portfolio(portfolio), SumMeasure(threshold, baseline))
        async with _follow(info, Interest(EventKind.BELIEFS, total=total), since) as messages:
            async for message in messages:
                moved = shown_total(message.total or SumMoved(None, None))
                yield shown({**shown_event(message.event, ExposureMoved), "portfolio_name": portfolio, **moved})

    @subscribing(_many)
    async def ledger_appended(
        self, info: Info[Context, Any], claims: Claims = None, since: Since = None
    ) -> AsyncGenerator[LedgerAppended, None]:
        """Rows that are appended to the ledger: evidence, and outcomes."""
        interest = Interest(EventKind.WRITE, _read_filter(claims, None))
        async with _follow(info, interest, since) as messages:
            async for message in messages:
                rows = await _read(info, "evidence", "Evidence", message.entry_ids)
                keys = list(message.entry_ids)
                yield shown({**shown_event(message.event, LedgerAppended), "evidence_keys": keys, "evidence": rows})

    @subscribing(_many)
    async def milestones_due(
        self, info: Info[Context, Any], since: Since = None
    ) -> AsyncGenerator[MilestonesDue, None]:
        """
        Pending milestones of open predictions on the last day on which they are expected, in UTC. One that is written
        when its day has begun already is not told.
        """
        async with _follow(info, Interest(EventKind.DUE), since) as messages:
            async for message in messages:
                ids = message.event.due_ids
                rows = await _read(info, "milestones", "Milestone", ids)
                yield shown(
                    {**shown_event(message.event, MilestonesDue), "milestone_keys": list(ids), "milestones": rows}
                )

    @subscribing(one_row)
    async def propagation_finished(
        self, info: Info[Context, Any], since: Since = None
    ) -> AsyncGenerator[PropagationFinished, None]:
        """Propagation runs that end, those that did not converge included."""
        async with _follow(info, Interest(EventKind.PROPAGATION), since) as messages:
            async for message in messages:
                found = await info.context.runs.load(message.event.run_id or "")
                run = None if found is None else shown_run(found)
                yield shown({**shown_event(message.event, PropagationFinished), "run": run})


class _Follower(AsyncIterator[Message]):
    """The messages of a subscription, each with a transaction, a moment and a budget of its own."""

    __slots__ = ("_context", "_following")

    def __init__(self, context: Context, following: Following) -> None:
        self._context, self._following = context, following

    async def __aenter__(self) -> Self:
        await self._following.__aenter__()
        if self._context.on_follow is not None:
            self._context.on_follow()
        return self

    async def __aexit__(self, *about: object) -> None:
        await self._following.__aexit__(*about)

    async def __anext__(self) -> Message:
        """Wait for the next message; no transaction is open meanwhile."""
        await self._context.renew()
        message = await anext(self._following)
        await self._context.renew()
        self._context.event_id = str(message.event.id)
        return message


def _follow(info: Info[Context, Any], interest: Interest, since: str | None) -> _Follower:
    """Admit a subscription, and follow the feed for it: every subscription begins here."""
    context = info.context
    # A client that has lost its connection names the event that came last; its document still says where it began.
    known = context.last_event_id or since
    after = None if known is None else EventId.parse(known)
    return _Follower(context, context.service.feed.follow(interest, after, on_lag=context.on_lag))


async def _read(info: Info[Context, Any], name: str, subject: str, ids: Sequence[str]) -> list[Any]:
    plan = selected_plan(info, name)
    if plan is None:
        return []
    return [node for node in await get_nodes(info.context.unit, [(subject, key) for key in ids], plan) if node]


def _read_filter(claims: Sequence[str] | None, given: BeliefFilterInput | None) -> BeliefFilter:
    claim_ids = _read_keys(claims, *CLAIM_SUBJECTS, path="claims")
    if claims is not None and not claims:
        raise InvalidError("expected at least one claim, or none given for all, got an empty list", path="claims")
    if given is None:
        return BeliefFilter(claim_ids)
    return BeliefFilter(
        claim_ids,
        frozenset(kind.value for kind in given.kind or ()),
        _read_keys(given.domains, "Domain", path="filter.domains"),
        _read_keys(given.predictors, "Predictor", path="filter.predictors"),
    )


def _read_keys(given: Sequence[str] | None, *subjects: str, path: str) -> frozenset[str]:
    if given is not None and len(given) > MOST_NAMED:
        raise InvalidError(f"expected at most {MOST_NAMED:,} of them, got {len(given):,}", path=path)
    return frozenset(parse_key(key, *subjects, path=f"{path}[{index}]") for index, key in enumerate(given or ()))
