"""Propagation by hand."""

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.inference.network.diagnostics import Method
from graph.network.propagation import Request, propagate
from graph.network.questions import make_sampling
from resolvers.base.context import Context
from resolvers.base.fields import prop
from resolvers.base.refusals import Conflict, Invalid, KeyReused, TooLarge, answer_or_refusal
from resolvers.base.sampling import MethodArgument, Samples, Seed
from resolvers.mutations.answers import DryRun, IdempotencyKey, Written, envelope
from resolvers.types.marginals import PropagationRun, shown_run


@strawberry.type(description="A propagation run, and what was stored of it.")
class Propagated(Written):
    """A propagation run."""

    run: PropagationRun = prop("The run.")
    num_stored: int = prop("How many marginals it stored: those of all claims that take part, or none.")


PropagateAnswer = Annotated[
    Propagated | Invalid | Conflict | KeyReused | TooLarge,
    strawberry.union("PropagateAnswer", description="A propagation run, or why it was refused."),
]


@strawberry.type
class PropagationMutations:
    """Propagation."""

    @strawberry.mutation(
        description="Compute every claim's marginal over the whole network and store it with the run. A run that does "
        "not converge is stored alone, and the last good marginals stay. The service does so itself, weekly and after "
        "writes."
    )
    async def propagate(
        self,
        info: Info[Context, Any],
        method: MethodArgument = Method.LBP,
        samples: Samples = None,
        seed: Seed = None,
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> PropagateAnswer:
        """Compute and store every claim's marginal."""

        async def work() -> dict[str, Any]:
            request = Request(Method(method), make_sampling(samples, seed), idempotency_key, dry_run)
            answered = await propagate(info.context.database, info.context.service.engine, request)
            await info.context.unit.read_after(answered.bookmark)
            run, num_stored = answered.payload["run"], answered.payload["num_stored"]
            return {
                "__typename": "Propagated",
                "run": shown_run(run),
                "num_stored": num_stored,
                **envelope(answered),
            }

        answer: Any = await answer_or_refusal(work)
        return answer
