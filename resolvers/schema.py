"""Joins the subjects into one schema."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import strawberry
from graphql import GraphQLError, lexicographic_sort_schema, print_schema
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache
from strawberry.schema.config import StrawberryConfig

from resolvers.base.errors import Errors
from resolvers.base.refusals import REFUSAL_TYPES
from resolvers.base.scalars import SCALARS
from resolvers.mutations.bundles import BundleMutations
from resolvers.mutations.intake import IntakeMutations
from resolvers.mutations.observation import ObservationMutations
from resolvers.mutations.propagation import PropagationMutations
from resolvers.mutations.resolution import ResolutionMutations
from resolvers.mutations.subjects import LinkMutations, SubjectMutations
from resolvers.queries.neighborhood import NeighborhoodQueries
from resolvers.queries.network import NetworkQueries
from resolvers.queries.nodes import NodeQueries
from resolvers.queries.predictions import PredictionQueries
from resolvers.queries.propagation import PropagationQueries
from resolvers.types.claims import Killer, Scenario
from resolvers.types.documents import Document
from resolvers.types.domains import Domain
from resolvers.types.episodes import Episode
from resolvers.types.evidence import Evidence
from resolvers.types.milestones import Milestone
from resolvers.types.predictions import Prediction
from resolvers.types.predictors import Predictor
from resolvers.types.reference_classes import ReferenceClass
from resolvers.types.tickers import Ticker
from resolvers.types.validations import Validation

SUBJECT_TYPES = (
    Prediction,
    Scenario,
    Killer,
    Predictor,
    ReferenceClass,
    Milestone,
    Evidence,
    Validation,
    Ticker,
    Document,
    Episode,
    Domain,
)


@strawberry.type(description="What can be asked.")
class Query(NodeQueries, PredictionQueries, NeighborhoodQueries, NetworkQueries, PropagationQueries):
    """What can be asked."""


@strawberry.type(
    description="What can be written. Each mutation is one write transaction, but for a sweep (one for each "
    "prediction), a bundle that is too large for one, and a propagation over more than 10,000 claims."
)
class Mutation(
    BundleMutations,
    IntakeMutations,
    ResolutionMutations,
    ObservationMutations,
    PropagationMutations,
    SubjectMutations,
    LinkMutations,
):
    """What can be written."""


class CachedParsing(ParserCache):
    """Parses a document's text once; one that cannot be parsed is left to the schema, which knows how to say so."""

    def on_parse(self) -> Iterator[None]:
        """Parse."""
        context = self.execution_context
        try:
            context.graphql_document = self.cached_parse_document(context.query, **context.parse_options)
        except GraphQLError:
            context.graphql_document = None
        yield


class CachedValidation(ValidationCache):
    """Validates a document's text once; one that is above the limits is not validated at all."""

    def on_validate(self) -> Iterator[None]:
        """Validate, unless an earlier extension has refused the document."""
        if self.execution_context.pre_execution_errors:
            yield
        else:
            yield from super().on_validate()


class Schema(strawberry.Schema):
    """A schema that leaves the logging of errors to `resolvers.base.errors`, which knows which of them are news."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Say nothing."""


def build_schema(extensions: Sequence[type[SchemaExtension] | Callable[[], SchemaExtension]] = ()) -> strawberry.Schema:
    """
    The schema.

    Args:
        extensions: What else watches over a document, such as limits; errors are shown as clients may see them anyway.
    """
    return Schema(
        query=Query,
        mutation=Mutation,
        types=(*SUBJECT_TYPES, *REFUSAL_TYPES.values()),
        extensions=[Errors, CachedParsing, *extensions, CachedValidation],
        config=StrawberryConfig(default_resolver=_from_dict, scalar_map=SCALARS),
    )


def print_sdl() -> str:
    """The schema in GraphQL's own language, types and fields in alphabetical order."""
    return print_schema(lexicographic_sort_schema(build_schema()._schema)) + "\n"


def _from_dict(source: Any, name: str) -> object:
    return source[name]
