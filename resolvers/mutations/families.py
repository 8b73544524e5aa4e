"""Mutations of families of claims."""

from typing import Annotated, Any, Unpack

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered
from graph.errors import NotFoundError, RefusedItemsError
from graph.families.store import FamilyDraft, delete_family, save_family
from graph.model.kinds import FamilyKind, FamilyRole
from graph.model.rows import LEAST_MEMBERS, MOST_MEMBERS
from graph.model.rows import ClaimFamily as FamilyRow
from graph.model.subjects import CLAIM_SUBJECTS
from resolvers.base.context import Context
from resolvers.base.described import input_type, object_type
from resolvers.base.fields import prop
from resolvers.base.relay import parse_key
from resolvers.mutations.answers import WriteOptions, Written, Wrote, write
from resolvers.types.families import ClaimFamily, shown_family


@input_type
class FamilyMemberInput:
    """A claim of a family."""

    claim: strawberry.ID = strawberry.field(description="Id or key of the claim.")
    role: FamilyRole = strawberry.field(
        default=FamilyRole.BY,
        description="The role of the claim: BY if the event happens by its deadline, NOT_BEFORE if it does not.",
    )


@input_type
class SaveClaimFamilyInput:
    """Claims that one event or one question ties together."""

    name: str = strawberry.field(
        description="The family's name: a letter or digit, and up to 63 of these and of . _ -, such as `humanoids-by`."
    )
    kind: FamilyKind = strawberry.field(description="The tie between the members.")
    members: list[FamilyMemberInput] = strawberry.field(
        description=f"All its members, {LEAST_MEMBERS} to {MOST_MEMBERS}; of a family of kind BY_WHEN, each has a "
        "deadline. A claim belongs to one family of each kind at most."
    )
    title: str | None = strawberry.field(default=None, description="The event or the question, in words.")
    is_exhaustive: bool | None = strawberry.field(
        default=None,
        description="Of a family of kind EXCLUSIVE, whether exactly one outcome comes true, which is so if it is "
        "omitted; otherwise at most one does.",
    )


@input_type
class DeleteClaimFamilyInput:
    """A family of claims to be deleted."""

    name: str = strawberry.field(description="The family's name, exactly.")


@object_type
class ClaimFamilySaved(Written):
    """Result of storing a family of claims; in a dry run, the result that it would have."""

    family: ClaimFamily = prop("The family as it is recorded now.")
    created: bool = prop("Whether there was no family of this name.")
    changed: bool = prop("Whether a row was written; false if the family was recorded already.")


@object_type
class ClaimFamilyDeleted(Written):
    """Result of deleting a family of claims."""

    family: ClaimFamily = prop("The family as it was.")


@object_type
class FamilyMutations:
    """Mutations of families of claims."""

    @write(
        ClaimFamilySaved,
        refused_by=(NotFoundError, RefusedItemsError),
        answer="The family after the write, or the reason for the refusal.",
    )
    async def save_claim_family(
        self,
        info: Info[Context, Any],
        input: Annotated[SaveClaimFamilyInput, strawberry.argument(description="The family.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Tie claims together as one family, whole: one event by several dates, or outcomes that exclude each other. It
        replaces the family of its name from now on; answers about the past stay.
        """
        members = [
            (parse_key(given.claim, *CLAIM_SUBJECTS, path=f"members[{index}].claim"), given.role)
            for index, given in enumerate(input.members)
        ]
        is_exclusive = input.kind is FamilyKind.EXCLUSIVE
        is_exhaustive = True if is_exclusive and input.is_exhaustive is None else input.is_exhaustive
        draft = FamilyDraft(input.name, input.kind, members, input.title, is_exhaustive)
        answered = await save_family(info.context.database, draft, **options)
        created, changed = answered.payload["new"], answered.payload["changed"]
        return answered, {"family": await _shown(info, answered), "created": created, "changed": changed}

    @write(
        ClaimFamilyDeleted,
        refused_by=(NotFoundError,),
        answer="The family as it was, or the reason for the refusal.",
    )
    async def delete_claim_family(
        self,
        info: Info[Context, Any],
        input: Annotated[DeleteClaimFamilyInput, strawberry.argument(description="The family's name.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Delete a family of claims; its members stay as they are, and so do answers about the past."""
        answered = await delete_family(info.context.database, input.name, **options)
        return answered, {"family": await _shown(info, answered)}


async def _shown(info: Info[Context, Any], answered: Answered) -> dict[str, Any]:
    """The family of an answer, whose members are read as they are after the write."""
    await info.context.unit.read_after(answered.bookmark)
    return shown_family(FamilyRow.model_validate(answered.payload["family"]))
