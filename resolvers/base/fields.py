"""Fields of types: plain properties, and relations to one or to many."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.model.relations import EXPOSURE_SIGNS, INFLUENCE_KINDS, Relation
from resolvers.base.enums import ExposureSign, InfluenceKind
from resolvers.base.relay import DEFAULT_PAGE_SIZE, After, First
from resolvers.base.selection import Follows, answer

Source = strawberry.Parent[Any]
InfluenceKinds = Annotated[
    list[InfluenceKind] | None, strawberry.argument(description="Only influences of these kinds; all when absent.")
]
Signs = Annotated[
    list[ExposureSign] | None, strawberry.argument(description="Only exposures of these signs; both when absent.")
]


def prop(description: str, *, deprecation_reason: str | None = None) -> Any:
    """A property of the node under the field's own name."""
    return strawberry.field(description=description, deprecation_reason=deprecation_reason)


def one(relation: Relation, description: str) -> Any:
    """The node that a relation to one leads to."""
    return strawberry.field(resolver=_one, description=description, metadata={"follows": Follows(relation)})


def many(follows: Follows | Relation, description: str, resolver: Callable[..., Any] | None = None) -> Any:
    """A page of the nodes that a relation to many leads to."""
    found = follows if isinstance(follows, Follows) else Follows(follows)
    return strawberry.field(resolver=resolver or _page, description=description, metadata={"follows": found})


def shown(value: object) -> Any:
    """A dict, a list or None as the response holds it, where a resolver's annotation names the GraphQL type."""
    return value


def kinds_argument(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The kinds of influences that are asked for."""
    return {"kinds": list(arguments.get("kinds") or INFLUENCE_KINDS)}


def signs_argument(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The signs of exposures that are asked for."""
    return {"signs": list(arguments.get("signs") or EXPOSURE_SIGNS)}


def page_of_kinds(
    root: Source,
    info: Info[Any, Any],
    first: First = DEFAULT_PAGE_SIZE,
    after: After = None,
    kinds: InfluenceKinds = None,
) -> Any:
    """A page of influences, which the plan has read."""
    return answer(root, info)


def page_of_signs(
    root: Source,
    info: Info[Any, Any],
    first: First = DEFAULT_PAGE_SIZE,
    after: After = None,
    signs: Signs = None,
) -> Any:
    """A page of exposures, which the plan has read."""
    return answer(root, info)


def _one(root: Source, info: Info[Any, Any]) -> Any:
    return answer(root, info)


def _page(root: Source, info: Info[Any, Any], first: First = DEFAULT_PAGE_SIZE, after: After = None) -> Any:
    return answer(root, info)
