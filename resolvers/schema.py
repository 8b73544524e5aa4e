"""Assembles queries, mutations and types into one schema."""

import operator
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import cache, partial
from typing import Any

import strawberry
from graphql import GraphQLError, lexicographic_sort_schema, print_schema
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache

from resolvers.base.defaults import settle_defaults
from resolvers.base.described import object_type
from resolvers.base.errors import Errors
from resolvers.base.names import named
from resolvers.base.refusals import REFUSAL_TYPES
from resolvers.base.roles import Role
from resolvers.base.scalars import SCALARS
from resolvers.doors import RoleCheck
from resolvers.mutations.bundles import BundleMutations
from resolvers.mutations.families import FamilyMutations
from resolvers.mutations.forecasts import ForecastMutations
from resolvers.mutations.intake import IntakeMutations
from resolvers.mutations.observation import ObservationMutations
from resolvers.mutations.portfolios import PortfolioMutations
from resolvers.mutations.propagation import PropagationMutations
from resolvers.mutations.resolution import ResolutionMutations
from resolvers.mutations.saved import SavedQueryMutations
from resolvers.mutations.schedules import ScheduleMutations
from resolvers.mutations.subjects import LinkMutations, SubjectMutations
from resolvers.queries.backtests import BacktestQueries
from resolvers.queries.changes import ChangeQueries
from resolvers.queries.costs import CostQueries
from resolvers.queries.cypher import CypherQueries
from resolvers.queries.families import FamilyQueries
from resolvers.queries.graph_schema import GraphSchemaQueries
from resolvers.queries.lists import ListQueries
from resolvers.queries.neighborhood import NeighborhoodQueries
from resolvers.queries.network import NetworkQueries
from resolvers.queries.nodes import NodeQueries
from resolvers.queries.portfolio import PortfolioQueries
from resolvers.queries.propagation import PropagationQueries
from resolvers.queries.saved import SavedQueryQueries
from resolvers.queries.schedules import ScheduleQueries
from resolvers.queries.search import SearchQueries
from resolvers.subscriptions.feed import Subscription
from resolvers.types.subjects import SUBJECT_TYPES


@object_type
class Query(
    NodeQueries,
    SearchQueries,
    ListQueries,
    NeighborhoodQueries,
    NetworkQueries,
    PortfolioQueries,
    FamilyQueries,
    PropagationQueries,
    GraphSchemaQueries,
    CypherQueries,
    SavedQueryQueries,
    ScheduleQueries,
    BacktestQueries,
    ChangeQueries,
    CostQueries,
):
    """Reads from the graph."""


@object_type
class Mutation(
    BundleMutations,
    IntakeMutations,
    ForecastMutations,
    ResolutionMutations,
    ObservationMutations,
    PropagationMutations,
    SubjectMutations,
    LinkMutations,
    SavedQueryMutations,
    PortfolioMutations,
    FamilyMutations,
    ScheduleMutations,
):
    """
    Writes to the graph.

    Each mutation is one write transaction, except a sweep (one for each prediction), a bundle too large for one, and a
    propagation over more than 10,000 claims.
    """


class CachedParsing(ParserCache):
    """Parses each document once; the schema reports those that cannot be parsed."""

    def on_parse(self) -> Iterator[None]:
        """Parse."""
        context = self.execution_context
        try:
            context.graphql_document = self.cached_parse_document(context.query, **context.parse_options)
        except GraphQLError:
            context.graphql_document = None
        yield


class CachedValidation(ValidationCache):
    """Validates each document once; those above the limits are not validated at all."""

    def on_validate(self) -> Iterator[None]:
        """Validate, unless an earlier extension has refused the document."""
        if self.execution_context.pre_execution_errors:
            yield
        else:
            yield from super().on_validate()


class Schema(strawberry.Schema):
    """A schema that leaves the logging of errors to `resolvers.base.errors`."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Log nothing."""


def build_schema(
    extensions: Sequence[type[SchemaExtension] | Callable[[], SchemaExtension]] = (),
    *,
    introspection: Role = Role.READER,
) -> strawberry.Schema:
    """
    Build the schema.

    Args:
        extensions: Further extensions, such as limits.
        introspection: The role that introspection needs.
    """
    schema = copy(_build_whole())
    schema.extensions = (Errors, CachedParsing, *extensions, partial(RoleCheck, introspection), CachedValidation)
    return schema


@cache
def _build_whole() -> Schema:
    """Build the types and fields, which are the same whatever the extensions, in a tenth of a second or more."""
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=(*SUBJECT_TYPES.values(), *REFUSAL_TYPES.values()),
        config=named(default_resolver=operator.getitem, scalar_map=SCALARS),
    )
    settle_defaults(schema._schema)
    return schema


def print_sdl() -> str:
    """The schema in GraphQL's schema definition language, sorted by name."""
    return print_schema(lexicographic_sort_schema(build_schema()._schema)) + "\n"
