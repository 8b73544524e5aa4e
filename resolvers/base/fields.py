"""Fields of types: properties, and relations to one or to many."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.model.relations import EXPOSURE_SIGNS, INFLUENCE_KINDS, Relation
from resolvers.base.enums import ExposureSign, InfluenceKind
from resolvers.base.selection import Follows, answer

Source = strawberry.Parent[Any]
InfluenceKinds = Annotated[
    list[InfluenceKind] | None, strawberry.argument(description="Only influences of these kinds; all kinds if omitted.")
]
Signs = Annotated[
    list[ExposureSign] | None, strawberry.argument(description="Only exposures of these signs; both if omitted.")
]


def prop(description: str, *, name: str | None = None) -> Any:
    """A field that returns the node's property of the same name, shown under the name given."""
    return strawberry.field(description=description, name=name)


def one(relation: Relation, description: str) -> Any:
    """A field that returns the node at the other end of a relation to one."""
    return strawberry.field(resolver=_one, description=description, metadata={"follows": Follows(relation)})


def shown(value: object) -> Any:
    """A value in the response's shape, for a resolver whose annotation names the GraphQL type."""
    return value


def kinds_argument(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The requested kinds of influences, by default all."""
    return {"kinds": list(arguments.get("kinds") or INFLUENCE_KINDS)}


def signs_argument(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The requested signs of exposures, by default both."""
    return {"signs": list(arguments.get("signs") or EXPOSURE_SIGNS)}


def _one(root: Source, info: Info[Any, Any]) -> Any:
    return answer(root, info)
