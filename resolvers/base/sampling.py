"""Arguments that choose the method of inference over the network."""

from typing import Annotated

import strawberry

from graph.network.questions import (
    DEFAULT_SAMPLES,
    LEAST_SAMPLES,
    LEAST_TARGET_ERROR,
    MOST_SAMPLES,
    MOST_TARGET_ERROR,
    SAMPLE_STEP,
    SEED,
    TARGET_ERROR,
)
from resolvers.base.enums import InferenceMethod

MethodArgument = Annotated[InferenceMethod, strawberry.argument(description="Method of inference.")]
Samples = Annotated[
    int | None,
    strawberry.argument(
        description=f"For sampling: number of joint samples, a multiple of {SAMPLE_STEP} from {LEAST_SAMPLES} to "
        f"{MOST_SAMPLES}. The default, {DEFAULT_SAMPLES}, is the fastest, as these samples are stored."
    ),
]
Seed = Annotated[
    int | None,
    strawberry.argument(description=f"For sampling: seed of all random numbers, 0 or more; {SEED} if omitted."),
]
TargetError = Annotated[
    float | None,
    strawberry.argument(
        description="For sampling: largest standard error that any claim should have, from "
        f"{LEAST_TARGET_ERROR} to {MOST_TARGET_ERROR}; {TARGET_ERROR} if omitted. Samples are added until it is "
        "reached or time is up; `precisionReached` says which."
    ),
]
