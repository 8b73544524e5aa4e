"""Queries over the network: effects of supposed outcomes, sensitivity, value of information, contradictions."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.errors import ClosedClaimError, ConflictError, DuplicateError, InvalidError, NotFoundError, OversizeError
from graph.inference.network.diagnostics import Method
from graph.inference.network.sensitivity import Effect, Parameter
from graph.model.subjects import CLAIM_SUBJECTS
from graph.network.questions import (
    MOST_OBSERVATIONS,
    MOST_TARGETS,
    Basis,
    Observation,
    Shift,
    WhatIf,
    basis_of,
    make_sampling,
)
from graph.network.view import View
from graph.reading.nodes import get_nodes
from resolvers.base.answers import Shown, question
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.drift import drifts
from resolvers.base.enums import ClaimOutcome
from resolvers.base.extents import INFERENCE_POINTS, Arguments, Extent, extent, length, page
from resolvers.base.fields import shown
from resolvers.base.relay import DEFAULT_PAGE_SIZE, First, page_size, parse_key
from resolvers.base.sampling import MethodArgument, Samples, Seed, TargetError
from resolvers.base.selection import selected_plan
from resolvers.types.network import (
    Incoherence,
    SensitivityResult,
    SupposedOutcome,
    ValueOfInformationResult,
    WhatIfResult,
)

LONG_SECONDS = 5.0
"""After a longer inference the document's read transaction is about to expire, so a new one is begun."""


def _inference_extent(arguments: Arguments) -> Extent:
    return replace(page(arguments), points=INFERENCE_POINTS)


def _what_if_extent(arguments: Arguments) -> Extent:
    """The claims that shift and the supposed ones are two lists."""
    shifted, num_supposed = page(arguments), length(arguments, "observations", MOST_OBSERVATIONS)
    return Extent(max(shifted.items, num_supposed), shifted.rows + num_supposed, INFERENCE_POINTS)


def _sensitivity_extent(arguments: Arguments) -> Extent:
    """Each effect has a claim and a parent."""
    effects = page(arguments)
    return Extent(effects.items, 2 * effects.rows, INFERENCE_POINTS)


@object_type
class NetworkQueries:
    """Queries over the network."""

    @question(
        WhatIfResult,
        refused_by=(NotFoundError, InvalidError, ConflictError, DuplicateError, ClosedClaimError, OversizeError),
        answer="The effects, or the reason for the refusal.",
        metadata={**extent(_what_if_extent), **drifts()},
    )
    async def what_if(
        self,
        info: Info[Context, Any],
        observations: Annotated[
            list[SupposedOutcome],
            strawberry.argument(description=f"The supposed outcomes of up to {MOST_OBSERVATIONS} claims."),
        ],
        *,
        intervene: Annotated[
            bool,
            strawberry.argument(
                description="Whether the outcomes are brought about instead of observed, so that they say nothing "
                "about what they depend on."
            ),
        ] = False,
        method: MethodArgument = Method.AUTO,
        samples: Samples = None,
        seed: Seed = None,
        target_error: TargetError = None,
        first: First = DEFAULT_PAGE_SIZE,
    ) -> Shown:
        """
        Shifts of all claims' marginals if some claims had the supposed outcomes, largest first. AUTO, the default,
        takes each part of the network by the best method that fits. Never stale.
        """
        started = time.monotonic()
        found = await info.context.service.engine.what_if(
            info.context.unit,
            [_observation(given, f"observations[{index}]") for index, given in enumerate(observations)],
            is_intervention=intervene,
            method=Method(method),
            sampling=make_sampling(samples, seed, target_error),
            first=page_size(first),
            now=info.context.moment,
        )
        await _begin_anew(info, started)
        return await _shown_what_if(info, found)

    @question(
        SensitivityResult,
        refused_by=(NotFoundError, InvalidError, ClosedClaimError, OversizeError),
        answer="The effects, or the reason for the refusal.",
        metadata={**extent(_sensitivity_extent), **drifts()},
    )
    async def sensitivity(
        self,
        info: Info[Context, Any],
        target: Annotated[strawberry.ID, strawberry.argument(description="Id or key of the claim.")],
        first: First = DEFAULT_PAGE_SIZE,
    ) -> Shown:
        """
        Derivatives of a claim's marginal by the stated numbers near it: each stated probability and each number of each
        table. Computed from joint samples.
        """
        started = time.monotonic()
        size = page_size(first)
        claim_id = parse_key(target, *CLAIM_SUBJECTS, path="target")
        view, marginal, found = await info.context.service.engine.sensitivity(
            info.context.unit, claim_id, now=info.context.moment
        )
        await _begin_anew(info, started)
        rows = [_shown_effect(view, effect) for effect in found.effects[:size]]
        await _put_nodes(info, rows, "effects", "claim")
        await _put_nodes(info, [row for row in rows if row["parent_id"] is not None], "effects", "parent")
        return {
            "marginal": marginal,
            "effects": rows,
            "num_effects": len(found.effects),
            "num_near": found.num_near,
            "diagnostics": _shown_basis(basis_of(view, found.diagnostics)),
        }

    @question(
        ValueOfInformationResult,
        refused_by=(NotFoundError, InvalidError, DuplicateError, ClosedClaimError, OversizeError),
        answer="The most informative claims, or the reason for the refusal.",
        metadata={**extent(_inference_extent), **drifts()},
    )
    async def value_of_information(
        self,
        info: Info[Context, Any],
        targets: Annotated[
            list[strawberry.ID], strawberry.argument(description=f"Ids or keys of up to {MOST_TARGETS} claims.")
        ],
        first: First = DEFAULT_PAGE_SIZE,
    ) -> Shown:
        """
        Claims whose outcomes would tell most about some targets, by the expected reduction of the targets' entropies.
        Computed from joint samples.
        """
        started = time.monotonic()
        size = page_size(first)
        ids = [parse_key(text, *CLAIM_SUBJECTS, path=f"targets[{index}]") for index, text in enumerate(targets)]
        view, marginals, found = await info.context.service.engine.value_of_information(
            info.context.unit, ids, now=info.context.moment
        )
        await _begin_anew(info, started)
        errors = found.standard_errors
        rows = [
            {
                "claim_id": view.ids[index],
                "marginal": float(marginals[index]),
                "expected_reduction_bits": float(found.expected_reductions[index]),
                "standard_error": None if errors is None else float(errors[index]),
                "mean_shifts": found.mean_shifts[index].tolist(),
            }
            for index in found.ranked(size).tolist()
        ]
        await _put_nodes(info, rows, "claims", "claim")
        return {
            "claims": rows,
            "reduction_floor_bits": found.reduction_floor,
            "diagnostics": _shown_basis(basis_of(view, found.diagnostics)),
        }

    @field(metadata={**extent(_inference_extent), **drifts()})
    async def incoherence(self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE) -> Incoherence:
        """Claims whose tables and prior marginals contradict each other, largest contradiction first."""
        size = page_size(first)
        view, found = await info.context.service.engine.incoherence(info.context.unit, now=info.context.moment)
        ranked = found.ranked().tolist()
        rows = [
            {
                "claim_id": view.ids[index],
                "contradiction": float(found.contradictions[index]),
                "reference": float(view.network.prior_marginals[index]),
                "lowest": float(found.lowest[index]),
                "lowest_parent_key": view.influence_key(found.lowest_edges[index]).parent_id,
                "highest": float(found.highest[index]),
                "highest_parent_key": view.influence_key(found.highest_edges[index]).parent_id,
                "num_tables": int(found.num_tables[index]),
            }
            for index in ranked[:size]
        ]
        await _put_nodes(info, rows, "claims", "claim")
        return shown(
            {
                "claims": rows,
                "num_incoherent": len(ranked),
                "revision": view.snapshot.state.revision,
                "as_of": view.moment,
            }
        )


def _observation(given: SupposedOutcome, path: str) -> Observation:
    claim_id = parse_key(given.claim, *CLAIM_SUBJECTS, path=f"{path}.claim")
    return Observation(claim_id, outcome=given.outcome is ClaimOutcome.TRUE, path=f"{path}.claim")


async def _begin_anew(info: Info[Context, Any], started: float) -> None:
    if time.monotonic() - started > LONG_SECONDS:
        await info.context.unit.read_after(None)


async def _shown_what_if(info: Info[Context, Any], found: WhatIf) -> Shown:
    shifts, supposed = _shown_shifts(found.shifts), _shown_shifts(found.supposed)
    await _put_nodes(info, shifts, "shifts", "claim")
    await _put_nodes(info, supposed, "supposed", "claim")
    return {
        "shifts": shifts,
        "supposed": supposed,
        "num_shifted": found.num_shifted,
        "diagnostics": _shown_basis(found.basis),
        "deltas": found.all_deltas,
    }


def _shown_shifts(shifts: Sequence[Shift]) -> list[Shown]:
    return [asdict(shift) for shift in shifts]


def _shown_basis(basis: Basis) -> Shown:
    diagnostics = basis.diagnostics
    return {
        **asdict(diagnostics),
        "is_converged": diagnostics.converged,
        "reason": diagnostics.reason or None,
        "from_bank": diagnostics.num_samples > 0 and not diagnostics.is_fresh,
        "wall_seconds": diagnostics.seconds,
        "revision": basis.state.revision,
        "as_of": basis.as_of,
        "num_claims": basis.num_claims,
        "num_influences": basis.num_influences,
    }


def _shown_effect(view: View, effect: Effect) -> Shown:
    common = {
        "parameter": effect.parameter,
        "derivative": effect.derivative,
        "standard_error": effect.standard_error,
    }
    network = view.network
    if effect.parameter is Parameter.STATED:
        ends: Mapping[str, Any] = {
            "claim_id": view.ids[effect.index],
            "parent_id": None,
            "parent": None,
            "kind": None,
            "value": float(network.stated[effect.index]),
        }
        return {**common, **ends}
    influence = view.influence_key(effect.index)
    numbers = network.p_if_true if effect.parameter is Parameter.P_IF_TRUE else network.p_if_false
    return {
        **common,
        "claim_id": influence.child_id,
        "parent_id": influence.parent_id,
        "kind": influence.kind,
        "value": float(numbers[effect.index]),
    }


async def _put_nodes(info: Info[Context, Any], rows: Sequence[Shown], *path: str) -> None:
    """Read the claims of rows in one batch and put them into the rows, if anything of them is selected."""
    plan = selected_plan(info, *path)
    if plan is None or not rows:
        return
    name = path[-1]
    found = await get_nodes(info.context.unit, [("Claim", row[f"{name}_id"]) for row in rows], plan)
    for row, node in zip(rows, found, strict=True):
        row[name] = node
