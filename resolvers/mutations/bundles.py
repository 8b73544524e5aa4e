"""The mutation that imports a bundle."""

from collections.abc import Sequence
from typing import Annotated, Any, Unpack

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.bundles.request import import_once
from graph.errors import BundleError, InvalidError, RefusedError, counted
from resolvers.base.answers import Shown
from resolvers.base.context import Context
from resolvers.base.described import input_type, object_type
from resolvers.base.enums import ErrorCode
from resolvers.base.fields import prop
from resolvers.base.input_names import path_steps
from resolvers.base.refusals import UserError, refused
from resolvers.mutations.answers import WriteOptions, Written, Wrote, write


@input_type
class ImportBundleInput:
    """A bundle to import."""

    bundle: JSON = strawberry.field(description="The bundle, as JSON.")


@object_type
class BundleProblem:
    """A problem in a bundle."""

    path: list[str] = prop("Steps to its place in the bundle, such as `predictions`, `3` and `deadline`.")
    message: str = prop("Explanation of what was expected and what was found.")


@object_type
class InvalidBundle(UserError):
    """A bundle with problems, all of which are listed; nothing was written."""

    problems: list[BundleProblem] = prop("All problems found.")


@object_type
class ImportedList:
    """Effect of an import on one list of the bundle."""

    name: str = prop("Name of the list in the bundle.")
    created: int = prop("Number of new rows.", name="createdCount")
    updated: int = prop("Number of rows that differed from what was stored.", name="updatedCount")
    unchanged: int = prop("Number of rows that were the same already.", name="unchangedCount")


@object_type
class ImportResult(Written):
    """Result of an import; in a dry run, the result that it would have."""

    lists: list[ImportedList] = prop("Counts for each list of the bundle that has rows.")


def _refused(error: RefusedError | BundleError) -> Shown:
    """A refusal in the response's shape; all that is wrong with the bundle is an `InvalidBundle`."""
    if isinstance(error, BundleError):
        problems = [(problem.path, problem.message) for problem in error.problems]
        count = counted(len(problems), "problem")
        path = f"bundle.{error.problems[0].path}" if len(problems) == 1 else ""
        return _invalid_bundle(f"the bundle has {count}, nothing was imported", path, problems)
    if isinstance(error, InvalidError) and error.path != "idempotency_key":
        return _invalid_bundle(str(error), f"bundle.{error.path}" if error.path else "", [(error.path, error.message)])
    return refused(error)


def _invalid_bundle(message: str, path: str, problems: Sequence[tuple[str, str]]) -> Shown:
    return {
        "__typename": InvalidBundle.__name__,
        "code": ErrorCode(BundleError.code),
        "message": message,
        "path": path_steps(path),
        "is_retryable": BundleError.is_retryable,
        "problems": [{"path": path_steps(place) or [], "message": text} for place, text in problems],
    }


@object_type
class BundleMutations:
    """The mutation that imports a bundle."""

    @write(
        ImportResult,
        answer="Result of the import, or the reason for the refusal.",
        more_refusals=(InvalidBundle,),
        refuse=_refused,
    )
    async def import_bundle(
        self,
        info: Info[Context, Any],
        input: Annotated[ImportBundleInput, strawberry.argument(description="The bundle.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Write a bundle into the graph, or nothing if it has problems. Importing it again changes nothing, so a retry is
        safe even without a key. `foregraph schema bundle` prints the format; `foregraph import` takes larger files.
        """
        answered = await import_once(info.context.database, input.bundle, **options)
        return answered, answered.payload
