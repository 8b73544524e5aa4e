"""The network: what would follow, what is worth learning, which stated numbers matter, which contradict each other."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.inference.network.diagnostics import Method
from graph.inference.network.sensitivity import Effect, Parameter
from graph.network import (
    MOST_OBSERVATIONS,
    MOST_TARGETS,
    Basis,
    Observation,
    Shift,
    WhatIf,
    basis_of,
    engine_of,
    make_sampling,
)
from graph.network_view import View
from graph.nodes import get_nodes
from graph.relations import CLAIM_SUBJECTS
from graph.ticker_shifts import list_ticker_shifts
from resolvers.context import Context
from resolvers.enums import InferenceMethod, InfluenceKind, StatedParameter
from resolvers.fields import prop
from resolvers.mutations import (
    ClaimClosed,
    Conflict,
    Duplicate,
    Invalid,
    NotFound,
    TooLarge,
    answer_or_refusal,
)
from resolvers.propagation import MethodArgument, Samples, Seed
from resolvers.relay import DEFAULT_PAGE_SIZE, First, page_size, parse_key
from resolvers.resolution import ClaimOutcome
from resolvers.scalars import Moment, Probability
from resolvers.selection import selected_plan

if TYPE_CHECKING:
    from resolvers.claims import Claim
    from resolvers.tickers import Ticker

LONG_SECONDS = 5.0
"""An inference that takes longer leaves its document a read transaction that is about to expire: a new one is begun."""


@strawberry.type(description="How an answer over the network was made, and how far it can be trusted.")
class NetworkDiagnostics:
    """How an answer over the network was made."""

    method: InferenceMethod = prop("How it was computed.")
    is_converged: bool = prop("Whether it can be trusted as far as the method goes.")
    reason: str | None = prop("Why not, where it cannot.")
    num_samples: int = prop("Joint samples in all; 0 where none were drawn.")
    num_matching: int = prop("Of them, those in which everything supposed holds.")
    num_replicates: int = prop("Independent parts that the samples were drawn in.")
    standard_error: float | None = prop("The largest of any claim, between replicates.")
    largest_difference: float | None = prop("The largest between two replicates' marginals of one claim.")
    surviving_ancestors: int | None = prop(
        "Of the samples first drawn in a replicate, how many have descendants; the fewest. Below 400 it has not "
        "converged."
    )
    weight_variance: float | None = prop("Of the log weights of the guided draws; the most of any replicate.")
    iterations: int | None = prop("Sweeps of LBP.")
    residual: float | None = prop("The most that LBP's last sweep would have changed a message, in log-odds.")
    damping: float | None = prop("How much of the old message LBP kept at the end.")
    num_approximated: int = prop("Claims with so many parents that LBP integrates over a normal distribution.")
    approximation_error: float | None = prop("The most that this was found to change one's probability.")
    seed: int | None = prop("Of all that is random; null where nothing is.")
    from_bank: bool = prop("Whether the samples were kept from an earlier question on the same beliefs.")
    wall_seconds: float = prop("How long the inference took.")
    revision: float = prop("The graph's revision that it read, which is the latest.")
    as_of: Moment = prop("The network's moment: the last full hour, since beliefs drift with time.")
    num_claims: int = prop("Claims that take part: those with a stated probability that are not annulled.")
    num_influences: int = prop("Influences that take part: those with a table between such claims.")


@strawberry.type(description="What a question does to one claim.")
class ClaimShift:
    """What a question does to one claim."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.claims")] = prop("The claim.")
    before: float = prop("Its marginal as things stand.")
    after: float = prop("Its marginal if everything supposed holds.")
    delta: float = prop("`after` minus `before`.")
    standard_error: float | None = prop("Of `delta`, between replicates; null where nothing is sampled.")


@strawberry.type(description="What a question does to a ticker.")
class TickerShift:
    """What a question does to a ticker."""

    ticker: Annotated["Ticker", strawberry.lazy("resolvers.tickers")] = prop("The ticker.")
    delta: float = prop("The expected fractional change of its price: the sum of `impact` times `delta` over claims.")
    num_claims: int = prop("How many claims that move have a stated impact on it.")


class _Answer:
    """A type of a union, told by the response's own word."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is an answer of this kind."""
        return bool(obj["__typename"] == cls.__name__)


@strawberry.type(description="What would follow if some claims resolved in some way.")
class WhatIfResult(_Answer):
    """What would follow."""

    shifts: list[ClaimShift] = prop("The claims that move, the largest |delta| first, what is supposed left out.")
    supposed: list[ClaimShift] = prop("What is supposed, in the order asked: how likely it was before.")
    num_shifted: int = prop("How many claims move at all.")
    diagnostics: NetworkDiagnostics = prop("How it was made.")

    @strawberry.field(
        description="The tickers that move with them, the largest |delta| first, by exposures whose impact is stated; "
        "the 5,000 claims that move most count."
    )
    async def tickers(self: Any, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE) -> list[TickerShift]:
        """The tickers that move with them."""
        found = await list_ticker_shifts(info.context.unit, self["deltas"], page_size(first))
        plan = selected_plan(info, "ticker")
        nodes: Sequence[Any] = [None] * len(found)
        if plan is not None:
            nodes = await get_nodes(info.context.unit, [("Ticker", shift.symbol) for shift in found], plan)
        rows: Any = [{**asdict(shift), "ticker": node} for shift, node in zip(found, nodes, strict=True)]
        return rows


WhatIfAnswer = Annotated[
    WhatIfResult | NotFound | Invalid | Conflict | Duplicate | ClaimClosed | TooLarge,
    strawberry.union("WhatIfAnswer", description="What would follow, or why that cannot be asked."),
]


@strawberry.input(description="What is supposed of a claim.")
class SupposedOutcome:
    """What is supposed of a claim."""

    claim: strawberry.ID = strawberry.field(description="The id or key of the claim.")
    outcome: ClaimOutcome = strawberry.field(description="Whether it comes true.")


@strawberry.type(description="What a stated number does to a claim's marginal.")
class SensitivityEffect:
    """What a stated number does to a claim's marginal."""

    parameter: StatedParameter = prop("Which number.")
    claim: Annotated["Claim", strawberry.lazy("resolvers.claims")] = prop(
        "Whose stated probability it is, or the child of the influence."
    )
    parent: Annotated["Claim", strawberry.lazy("resolvers.claims")] | None = prop(
        "The parent of the influence; null for a stated probability."
    )
    kind: InfluenceKind | None = prop("The kind of the influence; null for a stated probability.")
    value: Probability = prop("The number as it stands.")
    derivative: float = prop("By how much the marginal moves for each unit of it, all that follows included.")
    standard_error: float | None = prop("Of the derivative, between replicates.")


@strawberry.type(description="Which stated numbers a claim's marginal depends on.")
class SensitivityResult(_Answer):
    """Which stated numbers a claim's marginal depends on."""

    marginal: float = prop("The target's marginal.")
    effects: list[SensitivityEffect] = prop("The numbers near it, the largest |derivative| first.")
    num_effects: int = prop("How many numbers were looked at.")
    num_near: int = prop("How many claims around the target they belong to; what lies further off hardly moves it.")
    diagnostics: NetworkDiagnostics = prop("How it was made.")


SensitivityAnswer = Annotated[
    SensitivityResult | NotFound | Invalid | ClaimClosed | TooLarge,
    strawberry.union("SensitivityAnswer", description="Which numbers matter, or why that cannot be asked."),
]


@strawberry.type(description="What learning a claim's outcome would tell.")
class InformativeClaim:
    """What learning a claim's outcome would tell."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.claims")] = prop("The claim.")
    marginal: float = prop("Its marginal.")
    expected_reduction_bits: float = prop("By how much the targets' entropies, summed, are expected to shrink.")
    standard_error: float | None = prop("Of that, between replicates.")
    mean_shifts: list[float] = prop("How far each target's probability moves, in their order: root mean square.")


@strawberry.type(description="Which claims are worth learning, for the sake of some targets.")
class ValueOfInformationResult(_Answer):
    """Which claims are worth learning."""

    claims: list[InformativeClaim] = prop("The claims that tell most, the targets left out.")
    reduction_floor_bits: float = prop("What noise alone makes of the expected reduction of unrelated claims.")
    diagnostics: NetworkDiagnostics = prop("How it was made.")


ValueOfInformationAnswer = Annotated[
    ValueOfInformationResult | NotFound | Invalid | Duplicate | ClaimClosed | TooLarge,
    strawberry.union("ValueOfInformationAnswer", description="What is worth learning, or why that cannot be asked."),
]


@strawberry.type(description="A claim of which the tables and the reference belief say different things.")
class IncoherentClaim:
    """A claim of which the tables and the reference belief say different things."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.claims")] = prop("The claim.")
    contradiction: float = prop("From the least to the most that its tables and its reference belief say.")
    reference: Probability = prop("What is believed of it without any evidence.")
    lowest: Probability = prop("The least that one of its tables alone implies.")
    lowest_parent_key: str = prop("The key of the parent whose table says so.")
    highest: Probability = prop("The most that one of its tables alone implies.")
    highest_parent_key: str = prop("The key of the parent whose table says so.")
    num_tables: int = prop("How many tables it has.")


@strawberry.type(description="Claims that contradict themselves.")
class Incoherence:
    """Claims that contradict themselves."""

    claims: list[IncoherentClaim] = prop("The worst first.")
    num_incoherent: int = prop("How many there are.")
    revision: float = prop("The graph's revision that was read, which is the latest.")
    as_of: Moment = prop("The moment that reference beliefs hold for.")


@strawberry.type
class NetworkQueries:
    """What can be asked of the network."""

    @strawberry.field(
        description="What would follow if these claims resolved so: every claim's marginal before and after, ranked by "
        f"how far it moves. Up to {MOST_OBSERVATIONS} observations at once. LBP is quick and its levels approximate; "
        "SAMPLE has standard errors; EXACT serves where the network is small or thin. Never stale."
    )
    async def what_if(
        self,
        info: Info[Context, Any],
        observations: Annotated[list[SupposedOutcome], strawberry.argument(description="What is supposed.")],
        *,
        intervene: Annotated[
            bool,
            strawberry.argument(
                description="Whether somebody brings it about, so that it says nothing of what it depends on."
            ),
        ] = False,
        method: MethodArgument = Method.LBP,
        samples: Samples = None,
        seed: Seed = None,
        first: First = DEFAULT_PAGE_SIZE,
    ) -> WhatIfAnswer:
        """What would follow if these claims resolved so."""

        async def work() -> dict[str, Any]:
            started = time.monotonic()
            found = await engine_of(info.context.database).what_if(
                info.context.unit,
                [_observation(given, f"observations[{index}]") for index, given in enumerate(observations)],
                is_intervention=intervene,
                method=Method(method),
                sampling=make_sampling(samples, seed),
                first=page_size(first),
                now=info.context.moment,
            )
            await _begin_anew(info, started)
            return await _shown_what_if(info, found)

        answer: Any = await answer_or_refusal(work)
        return answer

    @strawberry.field(
        description="Which stated numbers near a claim its marginal depends on: the derivative by each stated "
        "probability and each number of each table, by joint samples."
    )
    async def sensitivity(
        self,
        info: Info[Context, Any],
        target: Annotated[strawberry.ID, strawberry.argument(description="The id or key of the claim.")],
        first: First = DEFAULT_PAGE_SIZE,
    ) -> SensitivityAnswer:
        """Which stated numbers near a claim its marginal depends on."""

        async def work() -> dict[str, Any]:
            started = time.monotonic()
            size = page_size(first)
            claim_id = parse_key(target, *CLAIM_SUBJECTS, path="target")
            view, marginal, found = await engine_of(info.context.database).sensitivity(
                info.context.unit, claim_id, now=info.context.moment
            )
            await _begin_anew(info, started)
            rows = [_shown_effect(view, effect) for effect in found.effects[:size]]
            await _put_nodes(info, rows, "effects", "claim")
            await _put_nodes(info, [row for row in rows if row["parent_id"] is not None], "effects", "parent")
            return {
                "__typename": "SensitivityResult",
                "marginal": marginal,
                "effects": rows,
                "num_effects": len(found.effects),
                "num_near": found.num_near,
                "diagnostics": _shown_basis(basis_of(view, found.diagnostics)),
            }

        answer: Any = await answer_or_refusal(work)
        return answer

    @strawberry.field(
        description="Which claims are worth learning: by how much the uncertainty in the targets is expected to "
        f"shrink, by joint samples. Up to {MOST_TARGETS} targets."
    )
    async def value_of_information(
        self,
        info: Info[Context, Any],
        targets: Annotated[list[strawberry.ID], strawberry.argument(description="Ids or keys of claims.")],
        first: First = DEFAULT_PAGE_SIZE,
    ) -> ValueOfInformationAnswer:
        """Which claims are worth learning."""

        async def work() -> dict[str, Any]:
            started = time.monotonic()
            size = page_size(first)
            ids = [parse_key(text, *CLAIM_SUBJECTS, path=f"targets[{index}]") for index, text in enumerate(targets)]
            view, marginals, found = await engine_of(info.context.database).value_of_information(
                info.context.unit, ids, now=info.context.moment
            )
            await _begin_anew(info, started)
            errors = found.standard_errors
            rows = [
                {
                    "claim_id": view.ids[place],
                    "marginal": float(marginals[place]),
                    "expected_reduction_bits": float(found.expected_reductions[place]),
                    "standard_error": None if errors is None else float(errors[place]),
                    "mean_shifts": found.mean_shifts[place].tolist(),
                }
                for place in found.ranked(size).tolist()
                if found.expected_reductions[place] > 0.0
            ]
            await _put_nodes(info, rows, "claims", "claim")
            return {
                "__typename": "ValueOfInformationResult",
                "claims": rows,
                "reduction_floor_bits": found.reduction_floor,
                "diagnostics": _shown_basis(basis_of(view, found.diagnostics)),
            }

        answer: Any = await answer_or_refusal(work)
        return answer

    @strawberry.field(
        description="Claims whose tables contradict each other and what is believed of them, the worst first, and by "
        "how much."
    )
    async def incoherence(self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE) -> Incoherence:
        """Claims whose tables contradict each other."""
        size = page_size(first)
        view, found = await engine_of(info.context.database).incoherence(info.context.unit, now=info.context.moment)
        ranked = found.ranked().tolist()
        rows = [
            {
                "claim_id": view.ids[place],
                "contradiction": float(found.contradictions[place]),
                "reference": float(view.network.reference[place]),
                "lowest": float(found.lowest[place]),
                "lowest_parent_key": view.influences[found.lowest_edges[place]].parent_id,
                "highest": float(found.highest[place]),
                "highest_parent_key": view.influences[found.highest_edges[place]].parent_id,
                "num_tables": int(found.num_tables[place]),
            }
            for place in ranked[:size]
        ]
        await _put_nodes(info, rows, "claims", "claim")
        shown: Any = {
            "claims": rows,
            "num_incoherent": len(ranked),
            "revision": view.snapshot.state.revision,
            "as_of": view.moment,
        }
        return shown


def _observation(given: SupposedOutcome, path: str) -> Observation:
    claim_id = parse_key(given.claim, *CLAIM_SUBJECTS, path=f"{path}.claim")
    return Observation(claim_id, outcome=given.outcome is ClaimOutcome.TRUE, path=f"{path}.claim")


async def _begin_anew(info: Info[Context, Any], started: float) -> None:
    if time.monotonic() - started > LONG_SECONDS:
        await info.context.unit.read_after(None)


async def _shown_what_if(info: Info[Context, Any], found: WhatIf) -> dict[str, Any]:
    shifts, supposed = _shown_shifts(found.shifts), _shown_shifts(found.supposed)
    await _put_nodes(info, shifts, "shifts", "claim")
    await _put_nodes(info, supposed, "supposed", "claim")
    return {
        "__typename": "WhatIfResult",
        "shifts": shifts,
        "supposed": supposed,
        "num_shifted": found.num_shifted,
        "diagnostics": _shown_basis(found.basis),
        "deltas": found.all_deltas,
    }


def _shown_shifts(shifts: Sequence[Shift]) -> list[dict[str, Any]]:
    return [asdict(shift) for shift in shifts]


def _shown_basis(basis: Basis) -> dict[str, Any]:
    told = basis.diagnostics
    return {
        **asdict(told),
        "is_converged": told.converged,
        "reason": told.reason or None,
        "from_bank": told.method is Method.SAMPLE and not told.is_fresh,
        "wall_seconds": told.seconds,
        "revision": basis.state.revision,
        "as_of": basis.as_of,
        "num_claims": basis.num_claims,
        "num_influences": basis.num_influences,
    }


def _shown_effect(view: View, effect: Effect) -> dict[str, Any]:
    common = {
        "parameter": effect.parameter,
        "derivative": effect.derivative,
        "standard_error": effect.standard_error,
    }
    network = view.network
    if effect.parameter is Parameter.STATED:
        ends: Mapping[str, Any] = {
            "claim_id": view.ids[effect.place],
            "parent_id": None,
            "parent": None,
            "kind": None,
            "value": float(network.stated[effect.place]),
        }
        return {**common, **ends}
    influence = view.influences[effect.place]
    numbers = network.p_if_true if effect.parameter is Parameter.P_IF_TRUE else network.p_if_false
    return {
        **common,
        "claim_id": influence.child_id,
        "parent_id": influence.parent_id,
        "kind": influence.kind,
        "value": float(numbers[effect.place]),
    }


async def _put_nodes(info: Info[Context, Any], rows: Sequence[dict[str, Any]], *path: str) -> None:
    """Read the claims that rows are of, by one statement and what hangs on them, where anything of them is selected."""
    plan = selected_plan(info, *path)
    if plan is None or not rows:
        return
    name = path[-1]
    found = await get_nodes(info.context.unit, [("Claim", row[f"{name}_id"]) for row in rows], plan)
    for row, node in zip(rows, found, strict=True):
        row[name] = node
