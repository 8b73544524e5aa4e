"""The chains of milestones that a bundle touches, completed with what the graph has of them."""

from collections.abc import Mapping, Sequence

from graph.bundles.batches import PlacedRow, in_batches
from graph.bundles.derivation import PlacedMilestone, complete_chains
from graph.bundles.known import stored_rows
from graph.database.sessions import Unit
from graph.errors import Problem
from graph.model.properties import from_properties
from graph.model.rows import Milestone, Prediction


async def derive_chains(
    unit: Unit, placed: Mapping[str, Sequence[PlacedRow]]
) -> tuple[list[PlacedMilestone], list[Problem]]:
    """Each chain that the bundle touches, whole: its own milestones and those which the graph has already."""
    given: dict[str, PlacedMilestone] = {
        row.id: (place, row) for place, row in placed["milestones"] if isinstance(row, Milestone)
    }
    places = {row.id: place for place, row in placed["predictions"] if isinstance(row, Prediction)}
    predictions = {row.id: row for _, row in placed["predictions"] if isinstance(row, Prediction)}
    touched = {milestone.prediction_id for _, milestone in given.values()} | set(predictions)
    touched |= await _stored_owners(unit, list(given))  # a milestone that moves leaves a chain to be ranked anew
    stored = [row for row in await _stored_milestones(unit, sorted(touched)) if row.id not in given]
    for milestone in stored:
        given[milestone.id] = (places.get(milestone.prediction_id, "milestones"), milestone)
    missing = sorted({milestone.prediction_id for _, milestone in given.values()} - set(predictions))
    predictions |= {prediction.id: prediction for prediction in await _stored_predictions(unit, missing)}
    chains = [entry for entry in given.values() if entry[1].prediction_id in predictions]
    return complete_chains(chains, predictions, stored=frozenset(milestone.id for milestone in stored))


async def _stored_owners(unit: Unit, milestone_ids: Sequence[str]) -> set[str]:
    owners: set[str] = set()
    for ids in in_batches(milestone_ids):
        (answer,) = await unit.run("outcomes/list_milestone_owners", ids=ids)
        owners.update(answer["prediction_ids"])
    return owners


async def _stored_milestones(unit: Unit, prediction_ids: Sequence[str]) -> list[Milestone]:
    rows = await stored_rows(unit, "outcomes/list_milestones", prediction_ids)
    return [from_properties(Milestone, row) for row in rows]


async def _stored_predictions(unit: Unit, ids: Sequence[str]) -> list[Prediction]:
    return [from_properties(Prediction, row) for row in await stored_rows(unit, "bundles/list_predictions", ids)]
