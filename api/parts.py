"""Parts of an application that its requests share, made from the settings."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from strawberry import Schema

from api.access.callers import Access, Tokens
from api.access.rates import Rates
from api.access.sessions import Sessions
from api.admission import Admissions
from api.deadlines import Deadlines
from api.documents import Documents
from api.graphiql.page import GraphiQL
from api.limits import list_extensions
from api.responses import Responses
from api.settings import Settings
from api.tariffs import DocumentTariff, limits_of, list_limits
from api.trusted import Trusted
from graph.saved.sealing import Seals
from graph.server.artifacts import fetch_from_maven, find_cache_folder
from resolvers.schema import build_schema

if TYPE_CHECKING:
    from api.telemetry.otlp import Telemetry


@dataclass(frozen=True, slots=True)
class Parts:
    """
    Parts that all requests of an application share.

    Attributes:
        settings: The settings.
        schema: The schema that is served.
        access: Tells callers apart.
        rates: Limits what each caller asks.
        sessions: Ends subscriptions of callers whose key or token is over.
        admissions: Limits the number of documents at a time.
        deadlines: Limits the time of a request.
        documents: Documents that have been answered before.
        responses: Where responses are kept.
        trusted: Tells which documents are answered.
        tariff: Prices documents for whoever asks.
        graphiql: The page for browsers; None for no page.
        seals: Seal and open the addresses of receivers; None where nothing is sent to any.
        telemetry: Makes spans; None where nobody collects them.
    """

    settings: Settings
    schema: Schema
    access: Access
    rates: Rates
    sessions: Sessions
    admissions: Admissions
    deadlines: Deadlines
    documents: Documents
    responses: Responses
    trusted: Trusted
    tariff: DocumentTariff
    graphiql: GraphiQL | None
    seals: Seals | None
    telemetry: "Telemetry | None" = None

    @classmethod
    def make(cls, settings: Settings, schema: Schema | None = None, telemetry: "Telemetry | None" = None) -> Self:
        """
        Make all parts.

        Args:
            settings: The settings.
            schema: The schema to serve; by default all of `resolvers`, within the settings' limits.
            telemetry: Makes spans; by default nothing does.
        """
        access, rates = make_access(settings), Rates(settings.find_allowance(), settings.find_rate_storage())
        served = build_limited_schema(settings, rates, telemetry) if schema is None else schema
        secret = settings.webhook_secret
        trusted = Trusted.load(settings.trusted_documents, settings.trusted_documents_dir)
        return cls(
            settings=settings,
            schema=served,
            access=access,
            rates=rates,
            sessions=Sessions(access),
            admissions=Admissions(
                settings.max_concurrent_documents, settings.max_concurrent_mutations, settings.max_waiting_documents
            ),
            deadlines=Deadlines(settings.request_timeout_seconds, settings.drain_seconds),
            documents=Documents(served, settings.document_cache_bytes),
            responses=Responses(settings.response_cache_bytes),
            trusted=trusted,
            tariff=DocumentTariff(served, limits_of(settings), trusted, list_limits(settings)),
            graphiql=_find_graphiql(settings),
            seals=None if secret is None else Seals(secret.get_secret_value().encode()),
            telemetry=telemetry,
        )


def build_limited_schema(
    settings: Settings, rates: Rates | None = None, telemetry: "Telemetry | None" = None
) -> Schema:
    """Build the whole schema, with the settings' limits on documents, those of callers, and spans of what it does."""
    first = [] if telemetry is None else telemetry.list_extensions()
    extensions = list_extensions(limits_of(settings), introspection=settings.introspection, rates=rates)
    return build_schema([*first, *extensions], introspection=settings.introspection_role)


def make_access(settings: Settings) -> Access:
    """Make what tells callers apart."""
    return Access(settings.find_keys_file(), settings.find_anonymous_role(), _find_tokens(settings))


def _find_tokens(settings: Settings) -> Tokens | None:
    """Make what verifies tokens, if any are accepted; the library takes a tenth of a second to import."""
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    from api.access.tokens import IssuedTokens, Issuer  # noqa: PLC0415 - takes 0.1 s, which only services with tokens spend

    issuer = Issuer(
        url=settings.oidc_issuer,
        audience=settings.oidc_audience,
        jwks_url=settings.oidc_jwks_url,
        algorithms=settings.oidc_algorithms,
        skew_seconds=settings.oidc_skew_seconds,
        claim=settings.oidc_role_claim,
    )
    return IssuedTokens(issuer)


def _find_graphiql(settings: Settings) -> GraphiQL | None:
    if not settings.graphiql:
        return None
    return GraphiQL(partial(find_cache_folder, settings.cache_dir), partial(fetch_from_maven, settings.mirror))
