"""Questions over the network, and their answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from graph.errors import (
    ClosedClaimError,
    ConflictError,
    DuplicateError,
    InvalidError,
    NotFoundError,
)
from graph.inference.network.bank import NUM_REPLICATES, NUM_SAMPLES
from graph.inference.network.diagnostics import Diagnostics
from graph.inference.network.intercepts import MAX_SAMPLES
from graph.inference.network.shifts import Shifts
from graph.model.kinds import ClaimStatus
from graph.network.view import STATUSES, State, View

SEED: Final = 1
"""Of the bank that is kept, so that every process answers alike."""

DEFAULT_SAMPLES: Final = NUM_REPLICATES * NUM_SAMPLES
LEAST_SAMPLES: Final = 1_024
MOST_SAMPLES: Final = NUM_REPLICATES * MAX_SAMPLES
SAMPLE_STEP: Final = NUM_REPLICATES * 64
MOST_OBSERVATIONS: Final = 50
MOST_TARGETS: Final = 100
LARGEST_SEED: Final = 2**31 - 1

LEAST_SHIFT: Final = 1e-6
"""What is smaller is rounding, or what LBP's tolerance leaves, and no shift."""


@dataclass(frozen=True, slots=True)
class Observation:
    """
    What is supposed of a claim.

    Attributes:
        claim_id: Which claim.
        outcome: Whether it comes true.
        path: Where it stands in the request.
    """

    claim_id: str
    outcome: bool
    path: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """
    How to sample.

    Attributes:
        num_samples: In all replicates together.
        seed: Of all that is random.
    """

    num_samples: int = DEFAULT_SAMPLES
    seed: int = SEED

    def __post_init__(self) -> None:
        if not LEAST_SAMPLES <= self.num_samples <= MOST_SAMPLES or self.num_samples % SAMPLE_STEP:
            message = f"expected a multiple of {SAMPLE_STEP} from {LEAST_SAMPLES} to {MOST_SAMPLES}"
            raise InvalidError(f"{message}, got {self.num_samples}", path="samples")
        if not 0 <= self.seed <= LARGEST_SEED:
            message = f"expected a number from 0 to {LARGEST_SEED}, got {self.seed}"
            raise InvalidError(message, path="seed")


DEFAULT_SAMPLING: Final = Sampling()
"""That of the bank that is kept."""


def make_sampling(num_samples: int | None, seed: int | None) -> Sampling:
    """
    As asked, or as the kept bank has it.

    Raises:
        InvalidError: A number is out of range.
    """
    return Sampling(DEFAULT_SAMPLES if num_samples is None else num_samples, SEED if seed is None else seed)


def read_observation(text: str) -> Observation:
    """
    What is supposed, written as CLAIM=true or CLAIM=false.

    Raises:
        InvalidError: It is neither.
    """
    claim_id, _, outcome = text.rpartition("=")
    if not claim_id or outcome.lower() not in {"true", "false"}:
        message = f"expected CLAIM=true or CLAIM=false, got {text!r}"
        raise InvalidError(message)
    return Observation(claim_id, outcome=outcome.lower() == "true")


@dataclass(frozen=True, slots=True)
class Basis:
    """
    What an answer rests on.

    Attributes:
        diagnostics: How it was made.
        state: Of the graph.
        as_of: The network's moment.
        num_claims: That take part.
        num_influences: That take part.
    """

    diagnostics: Diagnostics
    state: State
    as_of: datetime
    num_claims: int
    num_influences: int


@dataclass(frozen=True, slots=True)
class Shift:
    """
    What a question does to one claim.

    Attributes:
        claim_id: The claim.
        before: Its marginal as things stand.
        after: If what is supposed holds.
        delta: After minus before.
        standard_error: Of the difference, between replicates; None where nothing is sampled.
    """

    claim_id: str
    before: float
    after: float
    delta: float
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """
    What would follow.

    Attributes:
        shifts: Of the claims that move, the largest first; what is supposed is not among them.
        supposed: What is supposed, in the order asked, as shifts.
        num_shifted: How many claims move.
        basis: What it rests on.
        all_deltas: By claim id, of everything that moves, what is supposed included.
    """

    shifts: tuple[Shift, ...]
    supposed: tuple[Shift, ...]
    num_shifted: int
    basis: Basis
    all_deltas: Mapping[str, float]


def basis_of(view: View, diagnostics: Diagnostics) -> Basis:
    """What an answer over a view rests on."""
    return Basis(diagnostics, view.snapshot.state, view.moment, len(view.ids), len(view.influences))


def find_claim(view: View, claim_id: str, path: str) -> int:
    """
    Where a claim stands in the network, if there is something to suppose or to ask of it.

    Raises:
        NotFoundError: There is no such claim.
        InvalidError: It has no probability.
        ClosedClaimError: Its outcome is known, or it was annulled.
    """
    snapshot = view.snapshot
    index = snapshot.indices.get(claim_id)
    if index is None:
        raise NotFoundError(f"there is no claim {claim_id!r}", path=path)
    status = STATUSES[snapshot.statuses[index]]
    if status is not ClaimStatus.OPEN:
        resolved = snapshot.resolved[index]
        message = f"expected a claim whose outcome is open, got {claim_id!r}, which is {status.value}"
        moment = None if np.isnat(resolved) else resolved.item().replace(tzinfo=UTC)
        raise ClosedClaimError(message, status=status.value, resolved_at=moment, path=path)
    found = view.indices.get(claim_id)
    if found is None:
        message = f"expected a claim with a stated probability, got {claim_id!r}, which has none and takes no part"
        raise InvalidError(message, path=path)
    return found


def find_outcomes(view: View, observations: Sequence[Observation]) -> dict[int, bool]:
    """
    What is supposed, by index.

    Raises:
        RefusedError: As `Engine.what_if` says.
    """
    if not 1 <= len(observations) <= MOST_OBSERVATIONS:
        message = f"expected 1 to {MOST_OBSERVATIONS} observations, got {len(observations)}"
        raise InvalidError(message, path="observations")
    outcomes: dict[int, bool] = {}
    for observation in observations:
        index = find_claim(view, observation.claim_id, observation.path)
        if index in outcomes:
            if outcomes[index] is not observation.outcome:
                message = f"expected one outcome of {observation.claim_id!r}, got both"
                raise ConflictError(message, path=observation.path)
            message = f"expected each claim once, got {observation.claim_id!r} twice"
            raise DuplicateError(message, existing_id=observation.claim_id, path=observation.path)
        outcomes[index] = observation.outcome
    return outcomes


def what_if_answer(view: View, outcomes: Mapping[int, bool], shifts: Shifts, first: int) -> WhatIf:
    """The answer to a what-if from the shifts of all claims."""
    deltas = shifts.deltas
    moved = [index for index in shifts.ranked().tolist() if abs(deltas[index]) >= LEAST_SHIFT]
    others = [index for index in moved if index not in outcomes]
    return WhatIf(
        shifts=tuple(_shift(view, shifts, index) for index in others[:first]),
        supposed=tuple(_shift(view, shifts, index) for index in outcomes),
        num_shifted=len(others),
        basis=basis_of(view, shifts.diagnostics),
        all_deltas={view.ids[index]: float(deltas[index]) for index in moved},
    )


def _shift(view: View, shifts: Shifts, index: int) -> Shift:
    errors = shifts.standard_errors
    return Shift(
        claim_id=view.ids[index],
        before=float(shifts.before[index]),
        after=float(shifts.after[index]),
        delta=float(shifts.after[index] - shifts.before[index]),
        standard_error=None if errors is None else float(errors[index]),
    )
