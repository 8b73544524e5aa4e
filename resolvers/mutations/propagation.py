"""Propagation by hand."""

from typing import Any, Unpack

import strawberry
from strawberry.types import Info

from graph.errors import OversizeError
from graph.inference.network.diagnostics import Method
from graph.network.propagation import Request, propagate
from graph.network.questions import make_sampling
from resolvers.base.context import Context
from resolvers.base.fields import prop
from resolvers.base.sampling import MethodArgument, Samples, Seed
from resolvers.mutations.answers import WriteOptions, Written, Wrote, write
from resolvers.types.marginals import PropagationRun, shown_run


@strawberry.type(description="A propagation run, and what was stored of it.")
class Propagated(Written):
    """A propagation run."""

    run: PropagationRun = prop("The run.")
    num_stored: int = prop("How many marginals it stored: those of all claims that take part, or none.")


@strawberry.type
class PropagationMutations:
    """Propagation."""

    @write(
        Propagated,
        refused_by=(OversizeError,),
        description="Compute every claim's marginal over the whole network and store it with the run. A run that does "
        "not converge is stored alone, and the last good marginals stay. The service does so itself, weekly and after "
        "writes.",
        answer="A propagation run, or why it was refused.",
    )
    async def propagate(
        self,
        info: Info[Context, Any],
        method: MethodArgument = Method.LBP,
        samples: Samples = None,
        seed: Seed = None,
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Compute and store every claim's marginal."""
        request = Request(Method(method), make_sampling(samples, seed), **options)
        answered = await propagate(info.context.database, info.context.service.engine, request)
        await info.context.unit.read_after(answered.bookmark)
        payload = answered.payload
        return answered, {"run": shown_run(payload["run"]), "num_stored": payload["num_stored"]}
