"""Questions to the network and their answers, checked and assembled without the database."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from graph.families.implied import imply_outcomes
from graph.inference.network.bank import MAX_REPLICATES, NUM_REPLICATES, NUM_SAMPLES
from graph.inference.network.diagnostics import METHODS, Diagnostics, Method
from graph.inference.network.intercepts import MAX_SAMPLES
from graph.inference.network.shifts import Shifts
from graph.model.kinds import ClaimStatus
from graph.network.view import STATUSES, Snapshot, State, View

SEED: Final = 1
"""Seed of the stored bank, the same in every process, so that all give the same answers."""

DEFAULT_SAMPLES: Final = NUM_REPLICATES * NUM_SAMPLES
LEAST_SAMPLES: Final = 1_024
MOST_SAMPLES: Final = NUM_REPLICATES * MAX_SAMPLES
SAMPLE_STEP: Final = NUM_REPLICATES * 64
MOST_OBSERVATIONS: Final = 50
MOST_TARGETS: Final = 100
LARGEST_SEED: Final = 2**31 - 1
TARGET_ERROR: Final = 0.01
LEAST_TARGET_ERROR: Final = 0.001
MOST_TARGET_ERROR: Final = 0.1

_RESOLVED: Final = frozenset({ClaimStatus.RESOLVED_TRUE, ClaimStatus.RESOLVED_FALSE})

LEAST_SHIFT: Final = 1e-6
"""Smaller shifts are rounding errors or within LBP's tolerance; they are not reported, like sampling noise."""


@dataclass(frozen=True, slots=True)
class Observation:
    """
    A supposed outcome of a claim.

    Attributes:
        claim_id: Id of the claim.
        outcome: Whether it comes true.
        path: Path of the observation in the request, for error messages.
    """

    claim_id: str
    outcome: bool
    path: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """
    Parameters of sampling.

    Attributes:
        num_samples: Samples in all replicates together.
        seed: Seed of all random numbers.
        target_error: Largest standard error that any claim should have; samples are added until it is reached.
        least_replicates: Replicates to draw even where fewer reach that error.

    Raises:
        InvalidError: A number is out of range.
    """

    num_samples: int = DEFAULT_SAMPLES
    seed: int = SEED
    target_error: float = TARGET_ERROR
    least_replicates: int = 0

    def __post_init__(self) -> None:
        if not LEAST_SAMPLES <= self.num_samples <= MOST_SAMPLES or self.num_samples % SAMPLE_STEP:
            message = f"expected a multiple of {SAMPLE_STEP} from {LEAST_SAMPLES} to {MOST_SAMPLES}"
            raise InvalidError(f"{message}, got {self.num_samples}", path="samples")
        if not 0 <= self.seed <= LARGEST_SEED:
            message = f"expected a number from 0 to {LARGEST_SEED}, got {self.seed}"
            raise InvalidError(message, path="seed")
        if not LEAST_TARGET_ERROR <= self.target_error <= MOST_TARGET_ERROR:
            message = f"expected a number from {LEAST_TARGET_ERROR} to {MOST_TARGET_ERROR}, got {self.target_error}"
            raise InvalidError(message, path="targetError")

    def with_more(self, reached: Diagnostics) -> "Sampling | None":
        """
        Return parameters by which shifts have the target error; None if they have it, or no more may be drawn.

        A shift is a difference, whose error may be above the target where those of both marginals are not. It falls as
        the root of the number of replicates.

        Args:
            reached: Diagnostics of shifts with these parameters.
        """
        error, num_drawn = reached.standard_error, reached.num_replicates
        if error is None or error <= self.target_error or not self.least_replicates <= num_drawn < MAX_REPLICATES:
            return None
        num_groups = math.ceil(num_drawn * (error / self.target_error) ** 2 / NUM_REPLICATES)
        num_needed = max(num_groups * NUM_REPLICATES, num_drawn + NUM_REPLICATES)
        return replace(self, least_replicates=min(MAX_REPLICATES, num_needed))


DEFAULT_SAMPLING: Final = Sampling()
"""Sampling of the stored bank."""


def make_sampling(num_samples: int | None, seed: int | None, target_error: float | None = None) -> Sampling:
    """
    Build the sampling, with the stored bank's parameters as defaults.

    Raises:
        InvalidError: A number is out of range.
    """
    return Sampling(
        DEFAULT_SAMPLES if num_samples is None else num_samples,
        SEED if seed is None else seed,
        TARGET_ERROR if target_error is None else target_error,
    )


def read_observation(text: str) -> Observation:
    """
    Parse a supposed outcome written as CLAIM=true or CLAIM=false.

    Raises:
        InvalidError: The text has another form.
    """
    claim_id, _, outcome = text.rpartition("=")
    if not claim_id or outcome.lower() not in {"true", "false"}:
        message = f"expected CLAIM=true or CLAIM=false, got {text!r}"
        raise InvalidError(message)
    return Observation(claim_id, outcome=outcome.lower() == "true")


@dataclass(frozen=True, slots=True)
class Basis:
    """
    Provenance of an answer.

    Attributes:
        diagnostics: Diagnostics of the inference.
        state: State of the graph.
        as_of: Moment that the network was built for.
        num_claims: Claims included in the network.
        num_influences: Influences included in the network.
    """

    diagnostics: Diagnostics
    state: State
    as_of: datetime
    num_claims: int
    num_influences: int


@dataclass(frozen=True, slots=True)
class Shift:
    """
    Shift of one claim's marginal.

    Attributes:
        claim_id: Id of the claim.
        before: Marginal given the evidence.
        after: Marginal given the evidence and the supposed outcomes.
        delta: After minus before.
        standard_error: Of the difference, between replicates; None without samples.
        method: The method that gave `after`.
    """

    claim_id: str
    before: float
    after: float
    delta: float
    standard_error: float | None
    method: Method


@dataclass(frozen=True, slots=True, eq=False)
class Supposed:
    """
    A what-if question as it was answered, for what follows from it.

    Attributes:
        view: The network.
        given: Supposed outcomes by index of the claim, in the order of the request.
        implied: Outcomes that follow from those in families of claims.
        shifts: Shifts of all claims.
        is_intervention: Whether the outcomes were brought about.
        sampling: Parameters of sampling.
    """

    view: View
    given: Mapping[int, bool]
    implied: Mapping[int, bool]
    shifts: Shifts
    is_intervention: bool
    sampling: Sampling

    @property
    def outcomes(self) -> dict[int, bool]:
        """All outcomes: those supposed, and those that follow."""
        return {**self.given, **self.implied}


@dataclass(frozen=True, slots=True)
class WhatIf:
    """
    Answer to a what-if question.

    Attributes:
        shifts: Shifts by decreasing |delta|, ties by id, without the supposed claims; at most as many as requested.
        supposed: Shifts of the supposed claims, in the order of the request.
        implied: Shifts of the claims whose outcomes follow from those.
        num_shifted: Number of claims that shift by more than noise, without both.
        basis: Provenance of the answer.
        question: What was supposed, and all shifts.
        all_deltas: Shifts of all claims that do, the supposed ones included, by claim id.
    """

    shifts: tuple[Shift, ...]
    supposed: tuple[Shift, ...]
    implied: tuple[Shift, ...]
    num_shifted: int
    basis: Basis
    question: Supposed
    all_deltas: Mapping[str, float]

    def shift(self, claim_id: str) -> Shift:
        """Return the shift of any claim of the network."""
        view = self.question.view
        return _shift(view, self.question.shifts, view.indices[claim_id])


def basis_of(view: View, diagnostics: Diagnostics, target_error: float = TARGET_ERROR) -> Basis:
    """
    Build the provenance of an answer over a view.

    Its precision is judged by the error that the answer states: that of a difference may exceed the target where those
    of both marginals do not.
    """
    error = diagnostics.standard_error
    told = replace(diagnostics, precision_reached=error is None or error <= target_error)
    return Basis(told, view.snapshot.state, view.moment, len(view.ids), view.num_influences)


def find_claim(view: View, claim_id: str, path: str) -> int:
    """
    Return the index of an open claim in the network.

    Raises:
        NotFoundError: No claim has this id.
        InvalidError: The claim has no stated probability.
        ClosedClaimError: The claim is resolved or annulled.
    """
    snapshot = view.snapshot
    index = snapshot.indices.get(claim_id)
    if index is None:
        raise NotFoundError(f"no claim has the id {claim_id!r}", path=path)
    status = STATUSES[snapshot.statuses[index]]
    if status is not ClaimStatus.OPEN:
        resolved = snapshot.resolved[index]
        message = f"claim {claim_id!r} is {status.value}; choose an open one"
        moment = None if np.isnat(resolved) else resolved.item().replace(tzinfo=UTC)
        raise ClosedClaimError(message, status=status.value, resolved_at=moment, path=path)
    found = view.indices.get(claim_id)
    if found is None:
        message = f"claim {claim_id!r} has no stated probability, so the network does not include it; state one first"
        raise InvalidError(message, path=path)
    return found


def find_outcomes(view: View, observations: Sequence[Observation]) -> dict[int, bool]:
    """
    Map observations to outcomes by index in the network.

    Raises:
        NotFoundError: No claim has an observation's id.
        InvalidError: There are too few or too many observations, or a claim has no stated probability.
        ClosedClaimError: A claim is resolved or annulled.
        ConflictError: A claim is observed with both outcomes.
        DuplicateError: A claim is observed twice.
    """
    if not 1 <= len(observations) <= MOST_OBSERVATIONS:
        message = f"expected 1 to {MOST_OBSERVATIONS} observations, got {len(observations)}"
        raise InvalidError(message, path="observations")
    outcomes: dict[int, bool] = {}
    for observation in observations:
        index = find_claim(view, observation.claim_id, observation.path)
        if index in outcomes:
            if outcomes[index] is not observation.outcome:
                message = f"claim {observation.claim_id!r} is given both outcomes; give one"
                raise ConflictError(message, path=observation.path)
            message = f"claim {observation.claim_id!r} is given twice; give it once"
            raise DuplicateError(message, existing_key=observation.claim_id, path=observation.path)
        outcomes[index] = observation.outcome
    return outcomes


def find_implied(view: View, outcomes: Mapping[int, bool]) -> dict[int, bool]:
    """
    Map the outcomes that follow from supposed ones to those by index in the network.

    Args:
        view: The network, with the families of its moment.
        outcomes: Supposed outcomes by index.

    Raises:
        ConflictError: Outcomes exclude each other.
        InvalidError: Those of too many claims follow.
    """
    snapshot, concerned = view.snapshot, []
    supposed = {view.ids[index]: outcome for index, outcome in outcomes.items()}
    ids, num_before = set(supposed), 0
    while len(ids) > num_before:  # families of claims of their families, and so on
        num_before = len(ids)
        concerned = [family for family in snapshot.families if any(member.claim_id in ids for member in family.members)]
        ids.update(member.claim_id for family in concerned for member in family.members)
    statuses = {
        claim_id: STATUSES[snapshot.statuses[snapshot.indices[claim_id]]] for claim_id in ids & snapshot.indices.keys()
    }
    implied = imply_outcomes(
        concerned,
        supposed,
        {claim_id: status is ClaimStatus.RESOLVED_TRUE for claim_id, status in statuses.items() if status in _RESOLVED},
        {claim_id for claim_id, status in statuses.items() if status is ClaimStatus.OPEN and claim_id in view.indices},
        {claim_id: deadline for claim_id in statuses if (deadline := _deadline(snapshot, claim_id)) is not None},
    )
    return {view.indices[claim_id]: outcome for claim_id, outcome in implied.items()}


def _deadline(snapshot: Snapshot, claim_id: str) -> datetime | None:
    deadline: datetime | None = snapshot.deadlines[snapshot.indices[claim_id]].item()
    return deadline


def what_if_answer(supposed: Supposed, first: int) -> WhatIf:
    """Build the answer to a what-if question from the shifts of all claims; with the first few shifts."""
    view, shifts, outcomes = supposed.view, supposed.shifts, supposed.outcomes
    moved = shifts.above_noise(LEAST_SHIFT).tolist()
    others = [index for index in moved if index not in outcomes]
    return WhatIf(
        shifts=tuple(_shift(view, shifts, index) for index in others[:first]),
        supposed=tuple(_shift(view, shifts, index) for index in supposed.given),
        implied=tuple(_shift(view, shifts, index) for index in supposed.implied),
        num_shifted=len(others),
        basis=basis_of(view, shifts.diagnostics, supposed.sampling.target_error),
        question=supposed,
        all_deltas=dict(zip((view.ids[index] for index in moved), shifts.deltas[moved].tolist(), strict=True)),
    )


def _shift(view: View, shifts: Shifts, index: int) -> Shift:
    errors = shifts.standard_errors
    return Shift(
        claim_id=view.ids[index],
        before=float(shifts.before[index]),
        after=float(shifts.after[index]),
        delta=float(shifts.after[index] - shifts.before[index]),
        standard_error=None if errors is None else float(errors[index]),
        method=shifts.diagnostics.method if shifts.methods is None else METHODS[shifts.methods[index]],
    )
