"""Page keys that follow from what is stored: kinds of claims and standings of milestones, which lists are read by."""

from collections.abc import Sequence

from graph.database.sessions import Unit
from graph.inference.evidence import POLICY


async def set_status_keys(unit: Unit, claim_ids: Sequence[str]) -> None:
    """
    Store the standing of each milestone of some claims, by what else is stored; see `graph.model.standings`.

    Args:
        unit: The transaction, which holds the claims' locks.
        claim_ids: The claims.
    """
    await unit.run("ledger/set_status_keys", ids=list(claim_ids), grace_days=POLICY.grace_days)


async def set_kind_keys(unit: Unit, claim_ids: Sequence[str]) -> None:
    """
    Store the kind of each of some claims.

    Args:
        unit: The transaction, which holds the claims' locks.
        claim_ids: The claims.
    """
    await unit.run("ledger/set_kind_keys", ids=list(claim_ids))
