"""Arguments by which a client chooses how to compute over the network."""

from typing import Annotated

import strawberry

from graph.network.questions import DEFAULT_SAMPLES, LEAST_SAMPLES, MOST_SAMPLES, SAMPLE_STEP, SEED
from resolvers.base.enums import InferenceMethod

MethodArgument = Annotated[InferenceMethod, strawberry.argument(description="How to compute it.")]
Samples = Annotated[
    int | None,
    strawberry.argument(
        description=f"For SAMPLE: how many joint samples to draw, a multiple of {SAMPLE_STEP} from {LEAST_SAMPLES} to "
        f"{MOST_SAMPLES}; {DEFAULT_SAMPLES} when absent, which are kept and answer at once."
    ),
]
Seed = Annotated[
    int | None,
    strawberry.argument(description=f"For SAMPLE: of all that is random; {SEED} when absent. The same seed, the same."),
]
