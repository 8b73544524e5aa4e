"""Bringing a bundle in."""

import json
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.bundles import ImportReport, import_text
from graph.errors import BundleError, ConflictError, InvalidError
from graph.model import LISTS
from resolvers.context import Context
from resolvers.fields import prop
from resolvers.mutations import Conflict, UserError


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
class ImportResult:
    """What an import did."""

    lists: list[ImportedList] = prop("The bundle's lists that have rows.")
    is_dry_run: bool = prop("Whether nothing was kept.")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is an import's result."""
        return bool(obj["__typename"] == cls.__name__)


ImportBundleAnswer = Annotated[
    ImportResult | InvalidBundle | Conflict,
    strawberry.union("ImportBundleAnswer", description="What an import did, or why it was refused."),
]


@strawberry.type
class BundleMutations:
    """Bringing a bundle in."""

    @strawberry.mutation(
        description="Write a bundle into the graph, all of it or nothing. Importing again changes nothing, so a retry "
        "counts once. `foregraph schema bundle` prints the format; `foregraph import` takes larger files."
    )
    async def import_bundle(
        self,
        info: Info[Context, Any],
        bundle: Annotated[JSON, strawberry.argument(description="The bundle.")],
        *,
        dry_run: Annotated[
            bool, strawberry.argument(description="Do everything but keep nothing, to see what would change.")
        ] = False,
    ) -> ImportBundleAnswer:
        """Write a bundle into the graph."""
        answer: Any
        try:
            report = await import_text(info.context.database, json.dumps(bundle), dry_run=dry_run)
        except BundleError as error:
            answer = _refused(error)
        except (ConflictError, InvalidError) as error:
            answer = _refused_as_one(error)
        else:
            answer = _result(report)
        return answer


def _result(report: ImportReport) -> dict[str, Any]:
    rows = [
        {
            "name": name,
            "created": report.created[name],
            "updated": report.updated[name],
            "unchanged": report.unchanged[name],
        }
        for name in LISTS
    ]
    lists = [row for row in rows if row["created"] or row["updated"] or row["unchanged"]]
    return {"__typename": "ImportResult", "lists": lists, "is_dry_run": report.is_dry_run}


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


def _refused_as_one(error: ConflictError | InvalidError) -> dict[str, Any]:
    if isinstance(error, InvalidError):
        problem = {"path": error.path, "message": str(error)}
        return {
            "__typename": "InvalidBundle",
            "code": "INVALID",
            "message": str(error),
            "path": error.path,
            "problems": [problem],
        }
    return {"__typename": "Conflict", "code": "CONFLICT", "message": str(error), "path": None}
