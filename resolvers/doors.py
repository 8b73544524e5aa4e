"""The role that each root field needs, and those that a document needs. A field that is not listed opens for nobody."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
)
from strawberry.extensions import SchemaExtension

from resolvers.base.roles import LOCAL, Caller, Role, list_roles

UNAUTHENTICATED: Final = "UNAUTHENTICATED"
FORBIDDEN: Final = "FORBIDDEN"
SEND_A_KEY: Final = "send a key as `Authorization: Bearer KEY`"

_READ: Final = (
    "changes claim claimFacets claimFamilies claimFamily claims document documents domain domains dueForResolution "
    "episode episodes estimate evidence evidenceRow exposureChange exposureHistory graphSchema incoherence killer "
    "killers milestone milestones neighborhood node nodes paths policies portfolio portfolioExposure "
    "portfolioVersions portfolios prediction predictionFacets predictions predictor predictors propagationRuns "
    "referenceClass referenceClasses runSavedQuery savedQueries savedQuery savedQueryVersions scenario scenarios "
    "search sensitivity serviceConfig ticker tickers validation validations valueOfInformation whatIf"
)
_ANALYSE: Final = "backtest cypher"
_SEE: Final = "changeWebhooks queryDeliveries querySchedules"
_ADD: Final = (
    "submitEvidence submitEvidenceBatch submitForecast submitForecastBatch addValidation linkDocument upsertDocument"
)
_FOLLOW: Final = "beliefChanged exposureChanged ledgerAppended milestonesDue propagationFinished"
_SAVE: Final = "saveQuery deleteSavedQuery savePortfolio deletePortfolio"
_OPERATE: Final = (
    "annulClaim deleteClaimFamily deleteSubject followChanges importBundle propagateBeliefs recordMilestone "
    "removeExposure removeInfluence reopenClaim resolveClaim retractEvidence retractForecast retryDelivery "
    "saveClaimFamily scheduleQuery sweepMilestones unfollowChanges unlinkDocument unscheduleQuery upsertDomain "
    "upsertEpisode upsertExposure upsertInfluence upsertKiller upsertMilestone upsertPrediction upsertPredictor "
    "upsertReferenceClass upsertScenario upsertTicker"
)


BOUND_FIELDS: Final = frozenset({"submitEvidence", "submitEvidenceBatch", "submitForecast", "submitForecastBatch"})
"""The mutations of keys that are bound to predictors or sources, which check each item themselves."""


def _needing(names: str, role: Role) -> dict[str, Role]:
    return dict.fromkeys(names.split(), role)


ROOT_FIELDS: Final[Mapping[OperationType, Mapping[str, Role]]] = MappingProxyType(
    {
        OperationType.QUERY: {
            "__typename": Role.READER,
            **_needing(_READ, Role.READER),
            **_needing(_ANALYSE, Role.ANALYST),
            **_needing(_SEE, Role.OPERATOR),
        },
        OperationType.MUTATION: {
            "__typename": Role.READER,
            **_needing(_ADD, Role.INTAKE),
            **_needing(_SAVE, Role.ANALYST),
            **_needing(_OPERATE, Role.OPERATOR),
        },
        OperationType.SUBSCRIPTION: {"__typename": Role.READER, **_needing(_FOLLOW, Role.READER)},
    }
)
"""
The role that each root field needs.

Recording a milestone may resolve a prediction, as `resolveClaim` does; schedules and deliveries send rows elsewhere, to
addresses that may hold secrets of their receivers.
"""
INTROSPECTION: Final = ("__schema", "__type")


def list_needs(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, introspection: Role
) -> dict[str, Role | None]:
    """
    List the root fields of an operation, included by directives or not, with the role that each needs.

    Args:
        schema: The schema; fields that it does not have are left to validation.
        document: The document.
        operation: One of its operations.
        introspection: The role that introspection needs.

    Returns:
        Roles by field; None for a field that opens for nobody.
    """
    root = schema.get_root_type(operation.operation)
    known: Iterable[str] = () if root is None else root.fields
    declared: dict[str, Role | None] = dict.fromkeys(known)
    declared |= ROOT_FIELDS[operation.operation]
    declared |= dict.fromkeys(INTROSPECTION, introspection)
    return {name: declared[name] for name in _root_names(document, operation) if name in declared}


def _root_names(document: DocumentNode, operation: OperationDefinitionNode) -> Iterator[str]:
    """The names of root fields; each fragment is looked at once."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    left: list[Any] = [operation.selection_set]
    while left:
        for selection in left.pop().selections:
            match selection:
                case FieldNode():
                    yield selection.name.value
                case InlineFragmentNode():
                    left.append(selection.selection_set)
                case FragmentSpreadNode() if found := fragments.pop(selection.name.value, None):
                    left.append(found.selection_set)


def find_refusal(needs: Mapping[str, Role | None], caller: Caller) -> GraphQLError | None:
    """Find the first root field that a caller may not ask for, as the error for the client."""
    for name, role in needs.items():
        if role not in caller.roles:
            return _refusal(name, role, caller)
        if role is Role.INTAKE and caller.bounds.is_tight and name not in BOUND_FIELDS:
            return _bound_refusal(name, caller)
    return None


def _refusal(name: str, role: Role | None, caller: Caller) -> GraphQLError:
    code = UNAUTHENTICATED if caller.is_anonymous else FORBIDDEN
    extensions = {"code": code, "isRetryable": False, "field": name, "role": role}
    return GraphQLError(explain(f"The field `{name}`", role, caller), extensions=extensions)


def _bound_refusal(name: str, caller: Caller) -> GraphQLError:
    message = (
        f"The field `{name}` is none that a key bound to predictors or sources may ask for, as {caller.name!r} is; "
        f"those are {', '.join(sorted(BOUND_FIELDS))}."
    )
    extensions = {"code": FORBIDDEN, "isRetryable": False, "field": name, "role": Role.INTAKE}
    return GraphQLError(message, extensions=extensions)


def explain(what: str, role: Role | None, caller: Caller) -> str:
    """The message to a caller who may not do something."""
    if role is None:
        return f"{what} needs a role that nobody has."
    if caller.is_anonymous:
        return f"{what} needs the role {role}; {SEND_A_KEY} that has it."
    return f"{what} needs the role {role}; {caller.name!r} has {' and '.join(list_roles(caller.roles))}."


class RoleCheck(SchemaExtension):
    """
    Refuses a document before it is validated, unless the caller has the roles that its root fields need.

    Args:
        introspection: The role that introspection needs, and being told similar names in errors.
    """

    def __init__(self, introspection: Role = Role.READER) -> None:
        self.introspection = introspection

    def on_validate(self) -> Iterator[None]:
        """Check the roles that the document needs, unless it is refused already."""
        context = self.execution_context
        document = context.graphql_document
        operation = None if document is None else get_operation_ast(document, context.operation_name)
        if document is not None and operation is not None and not context.pre_execution_errors:
            caller = getattr(context.context, "caller", LOCAL)
            needs = list_needs(context.schema._schema, document, operation, self.introspection)
            refusal = find_refusal(needs, caller)
            if refusal is not None:
                context.pre_execution_errors = [refusal]
            elif operation.operation is OperationType.MUTATION:
                context.context.writes = tuple(needs)
        yield
