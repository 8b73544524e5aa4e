"""The bundle: a graph, or a part of one, as lists of rows."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from graph.model.rows import (
    ClaimFamily,
    Document,
    DocumentLink,
    Domain,
    Episode,
    Evidence,
    Exposure,
    Forecast,
    Influence,
    Killer,
    Milestone,
    Portfolio,
    Prediction,
    Predictor,
    PropagationRun,
    ReferenceClass,
    Row,
    SavedQuery,
    Scenario,
    Ticker,
    Validation,
    Version,
)
from graph.model.values import Line

BUNDLE_FORMAT = "foregraph-bundle/1"
STREAM_FORMAT = "foregraph-bundle/2"
"""A bundle as lines of JSON, made by an export; see `graph.bundles.streams`."""


class Bundle(BaseModel):
    """A graph, or a part of one, as lists of rows; a row names the rows it is related to by their ids."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Foregraph bundle")

    format: Literal["foregraph-bundle/1"] = Field(description="The name and version of the format.")
    policy: Line | None = Field(
        default=None, description="The policy that an empty graph takes on; a graph with claims keeps its own."
    )
    versions: tuple[Version, ...] = Field(
        default=(),
        description="What beliefs depended on, as it was recorded; ignored of nodes that the graph has.",
    )
    domains: tuple[Domain, ...] = Field(default=(), description="Fields of knowledge.")
    episodes: tuple[Episode, ...] = Field(default=(), description="Episodes in which predictions were made.")
    predictors: tuple[Predictor, ...] = Field(default=(), description="The predictors.")
    reference_classes: tuple[ReferenceClass, ...] = Field(default=(), description="Classes of comparable cases.")
    tickers: tuple[Ticker, ...] = Field(default=(), description="Securities by symbol.")
    documents: tuple[Document, ...] = Field(default=(), description="Written sources.")
    predictions: tuple[Prediction, ...] = Field(default=(), description="The predictions.")
    scenarios: tuple[Scenario, ...] = Field(default=(), description="Courses that the world may take.")
    killers: tuple[Killer, ...] = Field(default=(), description="Events that would make predictions fail.")
    milestones: tuple[Milestone, ...] = Field(default=(), description="Dated signs of whether predictions come true.")
    evidence: tuple[Evidence, ...] = Field(default=(), description="Rows of the ledger.")
    validations: tuple[Validation, ...] = Field(default=(), description="Assessments of how predictions are doing.")
    influences: tuple[Influence, ...] = Field(default=(), description="How claims bear on other claims.")
    exposures: tuple[Exposure, ...] = Field(default=(), description="Effects of predictions on tickers.")
    document_links: tuple[DocumentLink, ...] = Field(default=(), description="The claims that documents are about.")
    forecasts: tuple[Forecast, ...] = Field(default=(), description="Probabilities that predictors gave to claims.")
    saved_queries: tuple[SavedQuery, ...] = Field(default=(), description="Named statements with parameters.")
    portfolios: tuple[Portfolio, ...] = Field(default=(), description="Positions of portfolios since moments.")
    claim_families: tuple[ClaimFamily, ...] = Field(
        default=(), description="Claims that one event or one question ties together."
    )
    propagation_runs: tuple[PropagationRun, ...] = Field(
        default=(), description="Runs of propagation over the network."
    )

    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        """Return every list by its name, in an order in which they can be written."""
        return {name: getattr(self, name) for name in LISTS}

    def num_rows(self) -> int:
        """Count the rows of all lists."""
        return sum(len(rows) for rows in self.rows().values())

    def to_json(self) -> str:
        """Return the bundle as JSON without absent values, one row per line so that diffs are readable."""
        parts = [f'  "format": {json.dumps(self.format)}']
        if self.policy is not None:
            parts.append(f'  "policy": {json.dumps(self.policy)}')
        for name, rows in self.rows().items():
            if rows:
                lines = ",\n".join("    " + _row_json(row) for row in rows)
                parts.append(f'  "{name}": [\n{lines}\n  ]')
        return "{\n" + ",\n".join(parts) + "\n}\n"


LISTS: tuple[str, ...] = tuple(name for name in Bundle.model_fields if name not in {"format", "policy"})


def _row_json(row: Row) -> str:
    return json.dumps(row.model_dump(mode="json", exclude_none=True), ensure_ascii=False)


def bundle_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a bundle."""
    schema = Bundle.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
