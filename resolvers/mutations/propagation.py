"""The mutation that runs propagation."""

from typing import Any, Unpack

from strawberry.types import Info

from graph.errors import OversizeError
from graph.inference.network.diagnostics import Method
from graph.network.propagation import Request, propagate
from graph.network.questions import make_sampling
from resolvers.base.context import Context
from resolvers.base.described import object_type
from resolvers.base.fields import prop
from resolvers.base.sampling import MethodArgument, Samples, Seed, TargetError
from resolvers.mutations.answers import WriteOptions, Written, Wrote, write
from resolvers.types.marginals import PropagationRun, shown_run


@object_type
class Propagated(Written):
    """A propagation run, and the number of marginals that it stored."""

    run: PropagationRun = prop("The propagation run.")
    num_stored: int = prop("Number of marginals stored: one for each claim included, or 0 if the run did not converge.")


@object_type
class PropagationMutations:
    """Mutation of the stored marginals."""

    @write(
        Propagated,
        refused_by=(OversizeError,),
        answer="The propagation run, or the reason for the refusal.",
    )
    async def propagate(
        self,
        info: Info[Context, Any],
        method: MethodArgument = Method.AUTO,
        samples: Samples = None,
        seed: Seed = None,
        target_error: TargetError = None,
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Compute every claim's marginal over the whole network and store it with the run. A run that does not converge is
        stored without marginals, and the previous ones stay. The service also does this by itself, weekly and after
        writes.
        """
        request = Request(Method(method), make_sampling(samples, seed, target_error), **options)
        answered = await propagate(info.context.database, info.context.service.engine, request)
        await info.context.unit.read_after(answered.bookmark)
        payload = answered.payload
        return answered, {"run": shown_run(payload["run"]), "num_stored": payload["num_stored"]}
