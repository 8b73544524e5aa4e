"""The bundle: a graph, or a part of one, as lists of rows."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
)

from graph.model.rows import (
    Document,
    DocumentLink,
    Domain,
    Episode,
    Evidence,
    Exposure,
    Influence,
    Killer,
    Milestone,
    Prediction,
    Predictor,
    PropagationRun,
    ReferenceClass,
    Row,
    SavedQuery,
    Scenario,
    Ticker,
    Validation,
)

BUNDLE_FORMAT = "foregraph-bundle/1"


class Bundle(BaseModel):
    """A graph, or a part of one, as rows in which ids stand for relationships."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Foregraph bundle")

    format: Literal["foregraph-bundle/1"]
    domains: tuple[Domain, ...] = ()
    episodes: tuple[Episode, ...] = ()
    predictors: tuple[Predictor, ...] = ()
    reference_classes: tuple[ReferenceClass, ...] = ()
    tickers: tuple[Ticker, ...] = ()
    documents: tuple[Document, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    killers: tuple[Killer, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    validations: tuple[Validation, ...] = ()
    influences: tuple[Influence, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    document_links: tuple[DocumentLink, ...] = ()
    saved_queries: tuple[SavedQuery, ...] = ()
    propagation_runs: tuple[PropagationRun, ...] = ()

    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        """Every list of the bundle by its name, in the order in which they can be written."""
        return {name: getattr(self, name) for name in LISTS}

    def num_rows(self) -> int:
        """How many rows the bundle has in all."""
        return sum(len(rows) for rows in self.rows().values())

    def to_json(self) -> str:
        """The bundle as text, absent values left out, one row a line so that a diff reads well."""
        parts = [f'  "format": {json.dumps(self.format)}']
        for name, rows in self.rows().items():
            if rows:
                lines = ",\n".join("    " + _row_json(row) for row in rows)
                parts.append(f'  "{name}": [\n{lines}\n  ]')
        return "{\n" + ",\n".join(parts) + "\n}\n"


LISTS: tuple[str, ...] = tuple(name for name in Bundle.model_fields if name != "format")


def _row_json(row: Row) -> str:
    return json.dumps(row.model_dump(mode="json", exclude_none=True), ensure_ascii=False)


def bundle_json_schema() -> dict[str, Any]:
    """The JSON Schema of a bundle."""
    schema = Bundle.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
