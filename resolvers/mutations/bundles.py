"""Bringing a bundle in."""

from typing import Annotated, Any, Unpack

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.bundles.request import import_once
from graph.errors import BundleError, InvalidError, RefusedError, counted
from resolvers.base.answers import Shown
from resolvers.base.context import Context
from resolvers.base.described import object_type
from resolvers.base.fields import prop
from resolvers.base.refusals import UserError, refused
from resolvers.mutations.answers import WriteOptions, Written, Wrote, write


@object_type
class BundleProblem:
    """One thing wrong with a bundle."""

    path: str = prop("Where it is, such as `predictions[3].deadline`.")
    message: str = prop("What was expected and what came.")


@object_type
class InvalidBundle(UserError):
    """A bundle that breaks rules; all of its problems are listed, and nothing was written."""

    problems: list[BundleProblem] = prop("All problems that there are.")


@object_type
class ImportedList:
    """What an import did to one of a bundle's lists."""

    name: str = prop("The list's name in the bundle.")
    created: int = prop("How many rows were new.")
    updated: int = prop("How many rows differed from what was stored.")
    unchanged: int = prop("How many rows were there already.")


@object_type
class ImportResult(Written):
    """What an import did, or in a dry run would have done."""

    lists: list[ImportedList] = prop("The bundle's lists that have rows.")


def _refused(error: RefusedError | BundleError) -> Shown:
    """A refusal as the response holds it: whatever is wrong with the bundle as an `InvalidBundle`."""
    if isinstance(error, BundleError):
        problems = [{"path": problem.path, "message": problem.message} for problem in error.problems]
        count = counted(len(problems), "problem")
        path = error.problems[0].path if len(problems) == 1 else None
        return _invalid_bundle(f"the bundle has {count}, nothing was imported", path, problems)
    if isinstance(error, InvalidError) and error.path != "idempotency_key":
        return _invalid_bundle(str(error), error.path, [{"path": error.path, "message": str(error)}])
    return refused(error)


def _invalid_bundle(message: str, path: str | None, problems: list[dict[str, str]]) -> Shown:
    return {
        "__typename": InvalidBundle.__name__,
        "code": BundleError.code,
        "message": message,
        "path": path,
        "problems": problems,
    }


@object_type
class BundleMutations:
    """Bringing a bundle in."""

    @write(
        ImportResult,
        answer="What an import did, or why it was refused.",
        more_refusals=(InvalidBundle,),
        refuse=_refused,
    )
    async def import_bundle(
        self,
        info: Info[Context, Any],
        bundle: Annotated[JSON, strawberry.argument(description="The bundle.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Write a bundle into the graph, all of it or nothing. Importing again changes nothing, so a retry counts once
        even without a key. `foregraph schema bundle` prints the format; `foregraph import` takes larger files.
        """
        answered = await import_once(info.context.database, bundle, **options)
        return answered, answered.payload
