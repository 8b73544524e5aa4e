"""Arguments that choose the method of inference over the network."""

from typing import Annotated

import strawberry

from graph.network.questions import DEFAULT_SAMPLES, LEAST_SAMPLES, MOST_SAMPLES, SAMPLE_STEP, SEED
from resolvers.base.enums import InferenceMethod

MethodArgument = Annotated[InferenceMethod, strawberry.argument(description="Method of inference.")]
Samples = Annotated[
    int | None,
    strawberry.argument(
        description=f"For SAMPLE: number of joint samples, a multiple of {SAMPLE_STEP} from {LEAST_SAMPLES} to "
        f"{MOST_SAMPLES}. The default, {DEFAULT_SAMPLES}, is the fastest, as these samples are stored."
    ),
]
Seed = Annotated[
    int | None,
    strawberry.argument(description=f"For SAMPLE: seed of all random numbers, 0 or more; {SEED} if omitted."),
]
