"""Chains of milestones that a bundle changes, completed with the milestones that the graph already has."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from graph.bundles.batches import RowAtPath, in_batches
from graph.bundles.check_ins import MilestoneAtPath
from graph.bundles.derivation import complete_chains, with_waiting
from graph.bundles.known import stored_rows
from graph.database.sessions import Unit
from graph.errors import Problem
from graph.model.properties import from_properties
from graph.model.rows import Milestone, Prediction


class Chains(NamedTuple):
    """
    The chains that a bundle changes.

    Attributes:
        milestones: The milestones of whole chains, the bundle's and the graph's.
        new_ids: The ids of those milestones that the graph certainly does not have.
        predictions: The predictions that the chains belong to, by id, as they will be.
        problems: The problems found.
    """

    milestones: list[MilestoneAtPath]
    new_ids: frozenset[str]
    predictions: Mapping[str, Prediction]
    problems: list[Problem]


async def derive_chains(unit: Unit, rows: Mapping[str, Sequence[RowAtPath]], today: date) -> Chains:
    """
    Complete each chain that has a milestone or its prediction in the bundle.

    Args:
        unit: The transaction to read in.
        rows: The bundle's rows by list, deadlines and import days filled in.
        today: The day on which they are written.
    """
    milestones: dict[str, MilestoneAtPath] = {
        row.id: (path, row) for path, row in rows["milestones"] if isinstance(row, Milestone)
    }
    paths = {row.id: path for path, row in rows["predictions"] if isinstance(row, Prediction)}
    predictions = {row.id: row for _, row in rows["predictions"] if isinstance(row, Prediction)}
    prediction_ids = {milestone.prediction_id for _, milestone in milestones.values()} | set(predictions)
    # A milestone that moves to another prediction changes the ranks in the chain that it leaves.
    prediction_ids |= await _stored_owners(unit, list(milestones))
    found = await _stored_milestones(unit, sorted(prediction_ids))
    stored_ids = {row.id for row in found}
    stored = [row for row in found if row.id not in milestones]
    for milestone in stored:
        milestones[milestone.id] = (paths.get(milestone.prediction_id, "milestones"), milestone)
    missing = sorted({milestone.prediction_id for _, milestone in milestones.values()} - set(predictions))
    predictions |= {prediction.id: prediction for prediction in await _stored_predictions(unit, missing)}
    chains = [entry for entry in milestones.values() if entry[1].prediction_id in predictions]
    complete, problems = complete_chains(chains, predictions, stored=frozenset(milestone.id for milestone in stored))
    complete = [(path, with_waiting(milestone, today)) for path, milestone in complete]
    check_ins = {milestone.id for _, milestone in complete} - set(milestones)
    # The id of an added check-in may belong to a milestone that has moved to another prediction.
    taken = check_ins if await _stored_owners(unit, sorted(check_ins)) else set()
    new_ids = {milestone.id for _, milestone in complete} - stored_ids - taken
    return Chains(complete, frozenset(new_ids), predictions, problems)


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
