"""Queries over families of claims."""

from enum import StrEnum
from typing import Annotated, Any, Final

import strawberry
from strawberry.types import Info

from graph.families.store import LATEST, MOST_FAMILIES, list_families
from graph.model.kinds import FamilyKind
from graph.model.subjects import CLAIM_SUBJECTS
from resolvers.base.context import Context
from resolvers.base.described import enum_type, field, input_type, object_type
from resolvers.base.enums import SortOrder
from resolvers.base.extents import extent, one_row, whole_list
from resolvers.base.fields import shown
from resolvers.base.keyed import KeyedList, KeyedPage, Row, read_values
from resolvers.base.relay import parse_key
from resolvers.types.beliefs import AsOf
from resolvers.types.families import ClaimFamily, shown_family


@enum_type
class ClaimFamilySortKey(StrEnum):
    """Orders of families of claims."""

    NAME = "NAME"


@input_type
class ClaimFamilyFilterInput:
    """Conditions on families of claims; all that are given must hold."""

    kind: list[FamilyKind] | None = strawberry.field(default=None, description="Of any of these kinds.")
    claim: list[strawberry.ID] | None = strawberry.field(
        default=None, description="With any of these claims as a member, by id or key."
    )


_FAMILIES: Final = KeyedList(
    ClaimFamily, "families", ClaimFamilyFilterInput, (ClaimFamilySortKey.NAME, SortOrder.ASCENDING)
)


@object_type
class FamilyQueries:
    """Queries over families of claims."""

    @field(metadata=extent(one_row))
    async def claim_family(
        self,
        info: Info[Context, Any],
        name: Annotated[str, strawberry.argument(description="The family's name, such as `humanoids-by`.")],
        as_of: AsOf = None,
    ) -> ClaimFamily | None:
        """
        The family of claims with this name. An unknown name returns null, and so does a family that was deleted by the
        moment; before it was first recorded, what was recorded then serves.
        """
        recorded = await info.context.families.load((name, as_of or LATEST))
        return shown(None if recorded is None else shown_family(recorded.family))

    @_FAMILIES.field(extent(whole_list(MOST_FAMILIES)))
    async def claim_families(
        self, info: Info[Context, Any], page: KeyedPage, wanted: ClaimFamilyFilterInput | None
    ) -> Any:
        """All families of claims."""
        kinds = read_values(None if wanted is None else wanted.kind, "filter.kind")
        claims = read_values(None if wanted is None else wanted.claim, "filter.claim")
        ids = (
            None
            if claims is None
            else [parse_key(text, *CLAIM_SUBJECTS, path=f"filter.claim[{index}]") for index, text in enumerate(claims)]
        )
        rows: list[Row] = [
            (family.name, shown_family(family))
            for family in await list_families(info.context.unit, ids)
            if kinds is None or family.kind in kinds
        ]
        return page.connection(page.cut(rows), len(rows))
