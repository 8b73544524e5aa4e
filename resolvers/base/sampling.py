"""Arguments that choose the method of inference over the network."""

from typing import Annotated, Final

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
from resolvers.base.scalars import Int64

METHOD: Final = "Method of inference."
SAMPLE_COUNT: Final = (
    f"For sampling: number of joint samples, a multiple of {SAMPLE_STEP} from {LEAST_SAMPLES} to {MOST_SAMPLES}. The "
    f"default, {DEFAULT_SAMPLES}, is the fastest, as these samples are stored."
)
SEED_OF_ALL: Final = f"For sampling: seed of all random numbers, 0 or more; {SEED} if omitted."
TARGET: Final = (
    f"For sampling: largest standard error that any claim should have, from {LEAST_TARGET_ERROR} to "
    f"{MOST_TARGET_ERROR}; {TARGET_ERROR} if omitted. Samples are added until it is reached or time is up; `isPrecise` "
    "says which."
)

MethodArgument = Annotated[InferenceMethod, strawberry.argument(description=METHOD)]
SampleCount = Annotated[int | None, strawberry.argument(description=SAMPLE_COUNT)]
Seed = Annotated[Int64 | None, strawberry.argument(description=SEED_OF_ALL)]
TargetError = Annotated[float | None, strawberry.argument(description=TARGET)]
