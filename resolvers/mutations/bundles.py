"""Bringing a bundle in."""

from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.bundles.request import import_once
from graph.errors import BundleError, ConflictError, InvalidError, KeyReusedError
from resolvers.base.context import Context
from resolvers.base.fields import prop
from resolvers.base.refusals import Conflict, Invalid, KeyReused, UserError, refused
from resolvers.mutations.answers import DryRun, IdempotencyKey, Written, envelope


@strawberry.type(description="One thing wrong with a bundle.")
class BundleProblem:
    """One thing wrong with a bundle."""

    path: str = prop("Where it is, such as `predictions[3].deadline`.")
    message: str = prop("What was expected and what came.")


@strawberry.type(description="A bundle that breaks rules; all of its problems are listed, and nothing was written.")
class InvalidBundle(UserError):
    """A bundle that breaks rules."""

    problems: list[BundleProblem] = prop("All problems that there are.")


@strawberry.type(description="What an import did to one of a bundle's lists.")
class ImportedList:
    """What an import did to one of a bundle's lists."""

    name: str = prop("The list's name in the bundle.")
    created: int = prop("How many rows were new.")
    updated: int = prop("How many rows differed from what was stored.")
    unchanged: int = prop("How many rows were there already.")


@strawberry.type(description="What an import did, or in a dry run would have done.")
class ImportResult(Written):
    """What an import did."""

    lists: list[ImportedList] = prop("The bundle's lists that have rows.")


ImportBundleAnswer = Annotated[
    ImportResult | InvalidBundle | Invalid | Conflict | KeyReused,
    strawberry.union("ImportBundleAnswer", description="What an import did, or why it was refused."),
]


@strawberry.type
class BundleMutations:
    """Bringing a bundle in."""

    @strawberry.mutation(
        description="Write a bundle into the graph, all of it or nothing. Importing again changes nothing, so a retry "
        "counts once even without a key. `foregraph schema bundle` prints the format; `foregraph import` takes larger "
        "files."
    )
    async def import_bundle(
        self,
        info: Info[Context, Any],
        bundle: Annotated[JSON, strawberry.argument(description="The bundle.")],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> ImportBundleAnswer:
        """Write a bundle into the graph."""
        answer: Any
        try:
            answered = await import_once(
                info.context.database, bundle, idempotency_key=idempotency_key, is_dry_run=dry_run
            )
        except BundleError as error:
            answer = _refused(error)
        except InvalidError as error:
            answer = _refused_as_one(error)
        except (ConflictError, KeyReusedError) as error:
            answer = refused(error)
        else:
            answer = {"__typename": "ImportResult", **answered.payload, **envelope(answered)}
        return answer


def _refused(error: BundleError) -> dict[str, Any]:
    problems = [{"path": problem.path, "message": problem.message} for problem in error.problems]
    message = f"the bundle has {len(problems)} problem{'s' if len(problems) > 1 else ''}, nothing was imported"
    return {
        "__typename": "InvalidBundle",
        "code": "INVALID",
        "message": message,
        "path": problems[0]["path"] if len(problems) == 1 else None,
        "problems": problems,
    }


def _refused_as_one(error: InvalidError) -> dict[str, Any]:
    if error.path == "idempotency_key":
        return refused(error)
    problem = {"path": error.path, "message": str(error)}
    return {
        "__typename": "InvalidBundle",
        "code": "INVALID",
        "message": str(error),
        "path": error.path,
        "problems": [problem],
    }
