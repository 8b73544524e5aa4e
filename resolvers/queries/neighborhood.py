"""Queries of the surroundings of a node and of the paths between two claims."""

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.model.relations import RELATIONSHIP_TYPES
from graph.model.subjects import CLAIM_SUBJECTS, SUBJECTS
from graph.reading.neighborhood import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_PATH_LENGTH,
    MAX_PATHS,
    NeighborhoodQuery,
    find_neighborhood,
    find_paths,
)
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
        """The nodes within some steps of a node, and the edges between them. An unknown id returns null."""
        subject, key = parse_id(id, "Claim", *SUBJECTS)
        query = NeighborhoodQuery(
            depth=_within(depth, MAX_DEPTH, "depth"),
            kinds=RELATIONSHIP_TYPES if kinds is None else tuple(kind.value for kind in kinds),
            goes_out=orientation is not Orientation.IN,
            goes_in=orientation is not Orientation.OUT,
            limit=_within(first, MAX_NODES, "first"),
        )
        return shown(await find_neighborhood(info.context.unit, subject, key, query, plan=plan_of(info, "nodes")))

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
            parse_key(given, "Claim", *CLAIM_SUBJECTS, path=path) for given, path in ((from_, "from"), (to, "to"))
        )
        if start == end:
            message = f"expected two different claims, got {start!r} twice"
            raise InvalidError(message, path="to")
        return shown(
            await find_paths(
                info.context.unit,
                start,
                end,
                max_length=_within(max_length, MAX_PATH_LENGTH, "maxLength"),
                limit=_within(first, MAX_PATHS, "first"),
                plan=plan_of(info, "claims"),
            )
        )


def _within(number: int, most: int, path: str) -> int:
    if not 1 <= number <= most:
        message = f"expected a number from 1 to {most}, got {number}"
        raise InvalidError(message, path=path)
    return number
