"""The mutation that runs propagation."""

from typing import Annotated, Any, Unpack

import strawberry
from strawberry.types import Info

from graph.errors import OversizeError
from graph.inference.network.diagnostics import Method
from graph.network.propagation import Request, propagate
from graph.network.questions import make_sampling
from resolvers.base.context import Context
from resolvers.base.described import input_type, object_type
from resolvers.base.enums import InferenceMethod
from resolvers.base.fields import prop
from resolvers.base.sampling import METHOD, SAMPLE_COUNT, SEED_OF_ALL, TARGET
from resolvers.base.scalars import Int64
from resolvers.mutations.answers import WriteOptions, Written, Wrote, write
from resolvers.types.marginals import PropagationRun, shown_run


@input_type
class PropagateBeliefsInput:
    """The method of a propagation, and its sampling."""

    method: InferenceMethod = strawberry.field(default=Method.AUTO, description=METHOD)
    sample_count: int | None = strawberry.field(default=None, description=SAMPLE_COUNT)
    seed: Int64 | None = strawberry.field(default=None, description=SEED_OF_ALL)
    target_error: float | None = strawberry.field(default=None, description=TARGET)


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
    async def propagate_beliefs(
        self,
        info: Info[Context, Any],
        input: Annotated[
            PropagateBeliefsInput | None,
            strawberry.argument(description="Method and sampling; those of the scheduled propagation if omitted."),
        ] = None,
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Compute every claim's marginal over the whole network and store it with the run. A run that does not converge is
        stored without marginals, and the previous ones stay. The service also does this by itself, weekly and after
        writes.
        """
        given = input or PropagateBeliefsInput()
        sampling = make_sampling(given.sample_count, given.seed, given.target_error)
        request = Request(Method(given.method), sampling, **options)
        answered = await propagate(info.context.database, info.context.service.engine, request)
        await info.context.unit.read_after(answered.bookmark)
        payload = answered.payload
        return answered, {"run": shown_run(payload["run"]), "num_stored": payload["num_stored"]}
