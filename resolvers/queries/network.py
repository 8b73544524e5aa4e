"""Queries over the network: effects of supposed outcomes, sensitivity, value of information, contradictions."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from operator import attrgetter, itemgetter
from typing import Annotated, Any, Final

import strawberry
from strawberry.types import Info

from graph.errors import ClosedClaimError, ConflictError, DuplicateError, InvalidError, NotFoundError, OversizeError
from graph.inference.network.diagnostics import Method
from graph.inference.network.sensitivity import Effect, Parameter
from graph.model.subjects import CLAIM_SUBJECTS
from graph.network.combinations import Combination, count_contradictory, list_combinations
from graph.network.questions import (
    MOST_OBSERVATIONS,
    MOST_TARGETS,
    Basis,
    Observation,
    WhatIf,
    basis_of,
    make_sampling,
)
from graph.network.ticker_shifts import TickerShift, list_ticker_shifts
from graph.network.view import View
from resolvers.base.answers import Shown, question
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.drift import drifts
from resolvers.base.enums import ClaimOutcome
from resolvers.base.extents import INFERENCE_POINTS, Arguments, Extent, extent, length
from resolvers.base.fields import shown
from resolvers.base.figures import figure, figures
from resolvers.base.ranked import Ranked, State, put_nodes
from resolvers.base.relay import parse_key
from resolvers.base.sampling import MethodArgument, SampleCount, Seed, TargetError
from resolvers.base.selection import selected_plan
from resolvers.types.influences import shown_combination
from resolvers.types.network import (
    Incoherence,
    SensitivityResult,
    SupposedOutcome,
    ValueOfInformationResult,
    WhatIfResult,
)

LONG_SECONDS = 5.0
"""After a longer inference the document's read transaction is about to expire, so a new one is begun."""


def _inference_extent(_arguments: Arguments) -> Extent:
    return Extent(points=INFERENCE_POINTS)


def _what_if_extent(arguments: Arguments) -> Extent:
    """The supposed claims are the one list without pages of its own."""
    num_supposed = length(arguments, "observations", MOST_OBSERVATIONS)
    return Extent(num_supposed, num_supposed, INFERENCE_POINTS)


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
                "about what they depend on. Of outcomes that exclude each other, one that is made false leaves the "
                "choice to the others."
            ),
        ] = False,
        method: MethodArgument = Method.AUTO,
        sample_count: SampleCount = None,
        seed: Seed = None,
        target_error: TargetError = None,
    ) -> Shown:
        """
        Shifts of all claims' marginals if some claims had the supposed outcomes, largest first, with what follows from
        these in families of claims. AUTO, the default, takes each part of the network by the best method that fits.
        Never stale.
        """
        started = time.monotonic()
        found = await info.context.take_engine(INFERENCE_POINTS).what_if(
            info.context.unit,
            [observation(given, f"observations[{index}]") for index, given in enumerate(observations)],
            is_intervention=intervene,
            method=Method(method),
            sampling=make_sampling(sample_count, seed, target_error),
            now=info.context.moment,
        )
        await _begin_anew(info, started)
        return await _shown_what_if(info, found, Method(method))

    @question(
        SensitivityResult,
        refused_by=(NotFoundError, InvalidError, ClosedClaimError, OversizeError),
        answer="The effects, or the reason for the refusal.",
        metadata={**extent(_inference_extent), **drifts()},
    )
    async def sensitivity(
        self,
        info: Info[Context, Any],
        target: Annotated[strawberry.ID, strawberry.argument(description="Id or key of the claim.")],
    ) -> Shown:
        """
        Derivatives of a claim's marginal by the stated numbers near it: each stated probability and each number of each
        table. Computed from joint samples.
        """
        started = time.monotonic()
        claim_id = parse_key(target, *CLAIM_SUBJECTS, path="target")
        view, marginal, found = await info.context.take_engine(INFERENCE_POINTS).sensitivity(
            info.context.unit, claim_id, now=info.context.moment
        )
        await _begin_anew(info, started)
        rows = [_shown_effect(view, effect) for effect in found.effects]
        return {
            "marginal": figure(marginal),
            "effects": Ranked(
                (claim_id,),
                state_of(view),
                rows,
                key=_effect_key,
                measures={
                    **{name: itemgetter(f"{name}_id") for name in ("claim", "parent")},
                    **{name: itemgetter(name) for name in ("parameter", "kind", "derivative")},
                    "absolute_derivative": lambda row: abs(row["derivative"]),
                    "probability": itemgetter("value"),
                },
                show=partial(figures, stated=("value",)),
            ),
            "num_near": found.num_near,
            "diagnostics": shown_basis(view, basis_of(view, found.diagnostics)),
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
    ) -> Shown:
        """
        Claims whose outcomes would tell most about some targets, by the expected reduction of the targets' entropies.
        Computed from joint samples.
        """
        started = time.monotonic()
        ids = [parse_key(text, *CLAIM_SUBJECTS, path=f"targets[{index}]") for index, text in enumerate(targets)]
        view, marginals, found = await info.context.take_engine(INFERENCE_POINTS).value_of_information(
            info.context.unit, ids, now=info.context.moment
        )
        await _begin_anew(info, started)
        errors = found.standard_errors

        def show(index: int) -> Shown:
            row = {
                "claim_id": view.ids[index],
                "marginal": float(marginals[index]),
                "expected_reduction_bits": float(found.expected_reductions[index]),
                "standard_error": None if errors is None else float(errors[index]),
                "mean_shifts": found.mean_shifts[index].tolist(),
            }
            return figures(row)

        measures: dict[str, Callable[[int], Any]] = {
            "claim": view.ids.__getitem__,
            "expected_reduction_bits": lambda index: float(found.expected_reductions[index]),
            "marginal_probability": lambda index: float(marginals[index]),
        }
        return {
            "claims": Ranked(
                tuple(ids), state_of(view), found.ranked().tolist(), view.ids.__getitem__, measures, show=show
            ),
            "reduction_floor_bits": figure(found.reduction_floor),
            "diagnostics": shown_basis(view, basis_of(view, found.diagnostics)),
        }

    @field(metadata={**extent(_inference_extent), **drifts()})
    async def incoherence(self, info: Info[Context, Any]) -> Incoherence:
        """
        Claims whose tables and prior marginals contradict each other, relationships of contradicting signs, and
        families whose claims' own probabilities do not fit.
        """
        view, found = await info.context.take_engine(INFERENCE_POINTS).incoherence(
            info.context.unit, now=info.context.moment
        )

        def show(index: int) -> Shown:
            row = {
                "claim_id": view.ids[index],
                "contradiction": float(found.contradictions[index]),
                "reference": float(view.network.prior_marginals[index]),
                "lowest": float(found.lowest[index]),
                "lowest_parent_key": view.influence_key(found.lowest_edges[index]).parent_id,
                "highest": float(found.highest[index]),
                "highest_parent_key": view.influence_key(found.highest_edges[index]).parent_id,
                "num_tables": int(found.num_tables[index]),
            }
            return figures(row)

        measures: dict[str, Callable[[int], Any]] = {
            "claim": view.ids.__getitem__,
            "contradiction": lambda index: float(found.contradictions[index]),
            "prior_marginal_probability": lambda index: float(view.network.prior_marginals[index]),
            "table_count": lambda index: int(found.num_tables[index]),
        }
        return shown(
            {
                "claims": Ranked(
                    (), state_of(view), found.ranked().tolist(), view.ids.__getitem__, measures, show=show
                ),
                "state": state_of(view),
                "revision": view.snapshot.state.revision,
                "as_of": view.moment,
            }
        )


def observation(given: SupposedOutcome, path: str) -> Observation:
    """Read a supposed outcome that was given at a path."""
    claim_id = parse_key(given.claim, *CLAIM_SUBJECTS, path=f"{path}.claim")
    return Observation(claim_id, outcome=given.outcome is ClaimOutcome.TRUE, path=f"{path}.claim")


async def _begin_anew(info: Info[Context, Any], started: float) -> None:
    if time.monotonic() - started > LONG_SECONDS:
        await info.context.unit.read_after(None)


async def _shown_what_if(info: Info[Context, Any], found: WhatIf, method: Method) -> Shown:
    asked = found.question
    outcomes = sorted((shift.claim_id, shift.after) for shift in found.supposed)
    arguments = (*outcomes, asked.is_intervention, method.value, asked.sampling)
    settled = {"supposed": found.supposed, "implied": found.implied}
    rows = {name: [figures(asdict(shift)) for shift in listed] for name, listed in settled.items()}
    for name, listed in rows.items():
        await put_nodes(info, listed, "claim", "Claim", selected_plan(info, name, "claim"))
    state = state_of(asked.view)
    ids = found.all_deltas.keys() - {shift.claim_id for shift in (*found.supposed, *found.implied)}

    async def tickers() -> Ranked:
        started = time.monotonic()
        listed = await list_ticker_shifts(info.context.unit, info.context.service.engine, found)
        await _begin_anew(info, started)
        return Ranked(arguments, state, listed, attrgetter("symbol"), TICKER_MEASURES, show=_shown_ticker)

    return {
        "shifts": Ranked(
            arguments,
            state,
            list(ids),
            key=str,
            measures=_shift_measures(found),
            show=lambda claim_id: figures(asdict(found.shift(claim_id))),
        ),
        **rows,
        "tickers": tickers,
        "diagnostics": shown_basis(found.question.view, found.basis),
    }


def _shift_measures(found: WhatIf) -> dict[str, Callable[[str], Any]]:
    """Return measures of shifts of claims, without a shift's other figures: there may be many."""
    indices, shifts = found.question.view.indices, found.question.shifts
    return {
        "claim": str,
        "method": lambda claim_id: found.shift(claim_id).method,
        "absolute_delta": lambda claim_id: abs(found.all_deltas[claim_id]),
        "delta": found.all_deltas.__getitem__,
        "probability_before": lambda claim_id: float(shifts.before[indices[claim_id]]),
        "probability_after": lambda claim_id: float(shifts.after[indices[claim_id]]),
    }


TICKER_MEASURES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "ticker": attrgetter("symbol"),
    "symbol": attrgetter("symbol"),
    "delta": attrgetter("delta"),
    "absolute_delta": lambda shift: abs(shift.delta),
}


def _shown_ticker(shift: TickerShift) -> Shown:
    return {**figures(asdict(shift)), "ticker_id": shift.symbol}


def state_of(view: View) -> State:
    """The state of the graph that a view shows."""
    return State(view.snapshot.state.revision, view.snapshot.state.revised_at, view.moment)


def shown_basis(view: View, basis: Basis) -> Shown:
    """The diagnostics of an inference in the response's shape."""
    diagnostics = basis.diagnostics
    return {
        **figures(asdict(diagnostics)),
        "is_converged": diagnostics.converged,
        "reason": diagnostics.reason or None,
        "from_bank": diagnostics.num_samples > 0 and not diagnostics.is_fresh,
        "wall_seconds": figure(diagnostics.seconds),
        "revision": basis.state.revision,
        "as_of": basis.as_of,
        "num_claims": basis.num_claims,
        "num_influences": basis.num_influences,
        "num_contradictory": count_contradictory(view),
        "combined": lambda: _rank_combined(view),
    }


def _rank_combined(view: View) -> Ranked:
    measures = {"parent": lambda pair: pair.ends[0], "child": lambda pair: pair.ends[1]}
    found = list_combinations(view)
    return Ranked((), state_of(view), found, lambda pair: "|".join(pair.ends), measures, show=_shown_pair)


def _shown_pair(combination: Combination) -> Shown:
    parent_id, child_id = combination.ends
    return {**shown_combination(combination.payload()), "parent_id": parent_id, "child_id": child_id}


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


def _effect_key(row: Shown) -> str:
    """The key of an effect: what number it is of."""
    return "|".join(map(str, (row["claim_id"], row["parent_id"] or "", row["kind"] or "", row["parameter"].value)))
