"""What can be wrong with a bundle's rows together, and with the graph."""

import graphlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from graph.bundles.batches import PlacedRow, in_batches
from graph.bundles.known import Known, stored_rows
from graph.database.sessions import Unit
from graph.errors import Problem
from graph.model.page_keys import MARK, evidence_keys, ranges
from graph.model.properties import from_properties
from graph.model.rows import Claim, Evidence, Influence, Row
from graph.model.subjects import CLAIM_LISTS, CLAIMS, ROW_LISTS, references_of, row_id, target_list


def reference_problems(
    placed: Mapping[str, Sequence[PlacedRow]], named: Mapping[str, frozenset[str]], known: Known
) -> Iterator[Problem]:
    """Names of what is neither in the bundle nor in the graph, and ids that stand for another kind of claim."""
    there = {name: named[name] | known.ids.get(name, frozenset()) for name in named}
    there[CLAIMS] = known.ids.get(CLAIMS, frozenset()).union(*(named[name] for name in CLAIM_LISTS))
    stored_predictions = {claim for claim, kind in known.claim_kinds.items() if kind == "Prediction"}
    there["predictions"] = named["predictions"] | stored_predictions
    for name, listed in ROW_LISTS.items():
        for reference in references_of(listed):
            target = target_list(reference)
            for place, row in placed[name]:
                key = getattr(row, reference.property)
                if key is not None and key not in there[target]:
                    message = f"expected an id of {target} in the bundle or the graph, got {key!r}"
                    yield Problem(f"{place}.{reference.property}", message)
    for name in CLAIM_LISTS:
        label = ROW_LISTS[name].row.__name__
        for place, row in placed[name]:
            stored = known.claim_kinds.get(row_id(row), label)
            if stored != label:
                yield Problem(f"{place}.id", f"expected an id of its own, got {row_id(row)!r}, which is a {stored}")


def as_claim(row: Row) -> Claim:
    """A row of one of the lists of claims."""
    if not isinstance(row, Claim):
        message = f"expected a claim, got {type(row).__name__}"
        raise TypeError(message)
    return row


def as_evidence(row: Row) -> Evidence:
    """A row of the ledger."""
    if not isinstance(row, Evidence):
        message = f"expected a ledger row, got {type(row).__name__}"
        raise TypeError(message)
    return row


def stated_problems(placed: Mapping[str, Sequence[PlacedRow]], known: Known) -> Iterator[Problem]:
    """What was stated is where a ledger begins, so it stays as it is once the ledger has rows."""
    for name in CLAIM_LISTS:
        for place, row in placed[name]:
            claim = as_claim(row)
            stored = known.probabilities.get(claim.id)
            num_rows = known.ledger_lengths.get(claim.id, 0)
            if num_rows and stored is not None and claim.stated_probability != stored:
                message = (
                    f"expected {stored} as it was stated, since {num_rows} ledger rows stand on it, "
                    f"got {claim.stated_probability}; submit evidence to move the belief"
                )
                yield Problem(f"{place}.stated_probability", message)


async def _order_problems(unit: Unit, placed: Sequence[PlacedRow], stored: Collection[str]) -> list[Problem]:
    """New rows come behind those that a claim's ledger has already."""
    new = [(place, as_evidence(row)) for place, row in placed if row_id(row) not in stored]
    last: dict[str, str] = {}
    for ids in in_batches(sorted({row.claim_id for _, row in new})):
        (answer,) = await unit.run("bundles/list_last_evidence", claims=ranges(ids))
        last.update(answer["last"])
    problems = []
    for place, row in new:
        key, last_key = evidence_keys(row)["ledger_key"], last.get(row.claim_id)
        if key is not None and last_key is not None and key < last_key:
            moment = last_key.split(MARK)[1]
            message = (
                f"expected a moment after {moment}, when the last row on {row.claim_id!r} was recorded, since the "
                f"ledger only grows, got {row.recorded_at.isoformat()}"
            )
            problems.append(Problem(f"{place}.recorded_at", message))
    return problems


async def ledger_problems(unit: Unit, placed: Sequence[PlacedRow]) -> list[Problem]:
    """The ledger only grows: a row that is there already must be the same row, and a key is used once."""
    rows = await stored_rows(unit, "bundles/list_evidence", [row_id(row) for _, row in placed])
    stored = {row["id"]: from_properties(Evidence, row) for row in rows}
    changed = [
        Problem(place, "expected the row as it was recorded, since the ledger only grows, got other content")
        for place, row in placed
        if stored.get(row_id(row), row) != row
    ]
    changed += await _order_problems(unit, placed, stored)
    return changed + await _idempotency_problems(unit, placed)


async def _idempotency_problems(unit: Unit, placed: Sequence[PlacedRow]) -> list[Problem]:
    ledger = [(place, row) for place, row in placed if isinstance(row, Evidence) and row.idempotency_key]
    holders: dict[str, str] = {}
    for part in in_batches([row.idempotency_key for _, row in ledger]):
        (answer,) = await unit.run("ledger/list_by_idempotency_keys", keys=part)
        holders.update(answer["holders"])
    problems = []
    for place, row in ledger:
        holder = holders.setdefault(str(row.idempotency_key), row.id)
        if holder != row.id:
            message = f"expected a key of its own, got {row.idempotency_key!r}, which {holder!r} has"
            problems.append(Problem(f"{place}.idempotency_key", message))
    return problems


async def cycle_problems(unit: Unit, placed: Sequence[PlacedRow], known: Known) -> list[Problem]:
    """Influences form a directed acyclic graph, those of the bundle and those of the graph together."""
    children: dict[str, set[str]] = defaultdict(set)
    places: dict[tuple[str, str], str] = {}
    for place, influence in placed:
        if isinstance(influence, Influence):
            children[influence.parent_id].add(influence.child_id)
            places[influence.parent_id, influence.child_id] = place
    # What is new to the graph has no influences there, so a cycle leads through the graph only from a child it knows.
    if any(child in known.claim_kinds for _, child in places):
        (answer,) = await unit.run("bundles/list_influence_ends")
        for parent, child_ids in answer["edges"]:
            children[parent].update(child_ids)
    cycle = find_cycle(children)
    if cycle is None:
        return []
    place = next((places[step] for step in pairwise(cycle) if step in places), "influences")
    return [Problem(place, f"expected influences without a cycle, got {' → '.join(cycle)}")]


def find_cycle(children: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    """The ids along one cycle, the first repeated at the end, or None where there is none."""
    # graphlib takes predecessors; reversing every edge and the cycle it finds comes to the same.
    try:
        graphlib.TopologicalSorter(children).prepare()
    except graphlib.CycleError as error:
        return tuple(reversed(error.args[1]))
    return None
