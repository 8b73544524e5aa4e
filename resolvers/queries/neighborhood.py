"""Queries of the surroundings of a node and of the paths between two claims."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.database.sessions import Unit
from graph.errors import InvalidError, NotFoundError
from graph.model.relations import RELATIONSHIP_TYPES
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, SUBJECTS, noun_of
from graph.reading.neighborhood import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_PATH_LENGTH,
    MAX_PATHS,
    NeighborhoodQuery,
    find_neighborhood,
    find_paths,
)
from graph.reading.nodes import get_nodes
from graph.reading.tree import NodePlan
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.enums import EdgeKind, Orientation
from resolvers.base.extents import Arguments, Extent, extent, number
from resolvers.base.fields import shown
from resolvers.base.relay import parse_id, parse_key
from resolvers.base.selection import plan_of
from resolvers.types.neighborhood import InfluencePath, Neighborhood

DEFAULT_NODES = 100


def _neighborhood_extent(arguments: Arguments) -> Extent:
    limit = number(arguments, "first", MAX_NODES)
    return Extent(items=limit, rows=limit)


def _paths_extent(arguments: Arguments) -> Extent:
    """Every path has a claim more than influences."""
    num_claims = number(arguments, "first", MAX_PATHS) * (number(arguments, "max_length", MAX_PATH_LENGTH) + 1)
    return Extent(items=num_claims, rows=num_claims)


@object_type
class NeighborhoodQueries:
    """Queries of surroundings and paths."""

    @field(metadata=extent(_neighborhood_extent))
    async def neighborhood(
        self,
        info: Info[Context, Any],
        id: Annotated[strawberry.ID, strawberry.argument(description="Global id, or the key of a claim.")],
        depth: Annotated[int, strawberry.argument(description=f"Largest number of steps, 1 to {MAX_DEPTH}.")] = 1,
        kinds: Annotated[
            list[EdgeKind] | None,
            strawberry.argument(description="Only edges of these kinds; all kinds if omitted."),
        ] = None,
        orientation: Annotated[
            Orientation,
            strawberry.argument(description="Whether to follow edges forwards, backwards or both ways."),
        ] = Orientation.BOTH,
        first: Annotated[
            int, strawberry.argument(description=f"Largest number of nodes to return, 1 to {MAX_NODES}.")
        ] = DEFAULT_NODES,
    ) -> Neighborhood | None:
        """The nodes within some steps of a node, and the edges between them."""
        subject, key = parse_id(id, CLAIM, *SUBJECTS)
        query = NeighborhoodQuery(
            depth=_within(depth, MAX_DEPTH, "depth"),
            kinds=RELATIONSHIP_TYPES if kinds is None else tuple(kind.value for kind in kinds),
            goes_out=orientation is not Orientation.IN,
            goes_in=orientation is not Orientation.OUT,
            limit=_within(first, MAX_NODES, "first"),
        )
        found = await find_neighborhood(info.context.unit, subject, key, query, plan=plan_of(info, "nodes"))
        if found is None:
            advice = "; a node of another kind is named by its global id" if subject == CLAIM else ""
            message = f"no {noun_of(subject)} has the id {key!r}{advice}"
            raise NotFoundError(message, path="id")
        return shown(found)

    @field(metadata=extent(_paths_extent))
    async def paths(
        self,
        info: Info[Context, Any],
        from_: Annotated[
            strawberry.ID, strawberry.argument(name="from", description="Id or key of the claim to start from.")
        ],
        to: Annotated[strawberry.ID, strawberry.argument(description="Id or key of the claim to reach.")],
        max_length: Annotated[
            int,
            strawberry.argument(description=f"Largest number of influences along a path, 1 to {MAX_PATH_LENGTH}."),
        ] = MAX_PATH_LENGTH,
        first: Annotated[
            int, strawberry.argument(description=f"Largest number of paths to return, 1 to {MAX_PATHS}.")
        ] = 5,
    ) -> list[InfluencePath]:
        """The shortest paths from one claim to another along influences, shortest first; empty if there is none."""
        start, end = (
            parse_key(given, CLAIM, *CLAIM_SUBJECTS, path=path) for given, path in ((from_, "from"), (to, "to"))
        )
        if start == end:
            message = f"expected two different claims, got {start!r} twice"
            raise InvalidError(message, path="to")
        found = await find_paths(
            info.context.unit,
            start,
            end,
            max_length=_within(max_length, MAX_PATH_LENGTH, "maxLength"),
            limit=_within(first, MAX_PATHS, "first"),
            plan=plan_of(info, "claims"),
        )
        if not found:
            await _check_claims(info.context.unit, {"from": start, "to": end})
        return shown(found)


async def _check_claims(unit: Unit, named: Mapping[str, str]) -> None:
    """
    Check that claims exist, given by the arguments that name them.

    Raises:
        NotFoundError: There is no such claim.
    """
    nodes = await get_nodes(unit, [(CLAIM, key) for key in named.values()], NodePlan())
    for (path, key), node in zip(named.items(), nodes, strict=True):
        if node is None:
            message = f"no claim has the id {key!r}"
            raise NotFoundError(message, path=path)


def _within(number: int, most: int, path: str) -> int:
    if not 1 <= number <= most:
        message = f"expected a number from 1 to {most}, got {number}"
        raise InvalidError(message, path=path)
    return number
