"""A graph in memory that answers the statements an import reads by."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graph.database.sessions import Row
from graph.model.bundle import Bundle
from graph.model.page_keys import evidence_keys
from graph.model.properties import to_properties
from graph.model.rows import Claim, Prediction
from graph.model.subjects import row_id
from tests.helpers.fake_unit import FakeUnit

PROPERTIES = {"reference_classes": "base_rate", "documents": "published_at"}


INFLUENCE = ("kind", "parent_id", "child_id", "p_if_true", "p_if_false")
EXPOSURE = ("sign", "prediction_id", "symbol", "impact")


class FakeStore(FakeUnit):
    """
    A transaction over a graph that holds a bundle.

    Args:
        bundle: The rows that are stored, complete with what an import derives.
    """

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(
            {
                "bundles/list_known": self._list_known,
                "bundles/list_evidence": lambda ids: self._stored("evidence", ids),
                "bundles/list_last_evidence": self._list_last_evidence,
                "bundles/list_influence_ends": self._list_influence_ends,
                "bundles/list_predictions": lambda ids: self._stored("predictions", ids),
                "ledger/list_by_idempotency_keys": self._list_holders,
                "families/list_families": lambda **_: [],
                "network/list_influences_between": lambda pairs: self._between("influences", INFLUENCE, pairs),
                "network/list_exposures_between": lambda pairs: self._between("exposures", EXPOSURE, pairs),
                "outcomes/list_milestone_owners": self._list_owners,
                "outcomes/list_milestones": self._list_milestones,
            }
        )
        self._bundle = bundle

    def _list_known(self, **ids: Sequence[str]) -> list[Row]:
        claims = [self._known_claim(claim) for claim in self._claims() if claim.id in ids["claims"]]
        answers: list[Row] = [{"list": "claims", "found": claims}]
        for name in ids.keys() - {"claims"}:
            rows = [row for row in self._bundle.rows()[name] if row_id(row) in ids[name]]
            extra = PROPERTIES.get(name)
            found = [{"id": row_id(row)} | ({extra: getattr(row, extra)} if extra else {}) for row in rows]
            answers.append({"list": name, "found": found})
        return answers

    def _claims(self) -> Iterable[Claim]:
        return (*self._bundle.predictions, *self._bundle.scenarios, *self._bundle.killers)

    def _known_claim(self, claim: Claim) -> dict[str, Any]:
        return {
            "id": claim.id,
            "kind": type(claim).__name__,
            "probability": claim.stated_probability,
            "imported_on": claim.imported_on if isinstance(claim, Prediction) else None,
            "predictor_id": claim.predictor_id if isinstance(claim, Prediction) else None,
            **{name: getattr(claim, name) for name in ("resolved_at", "from_year", "window_start", "window_end")},
            "num_evidence": sum(row.claim_id == claim.id for row in self._bundle.evidence) or None,
        }

    def _stored(self, name: str, ids: Sequence[str]) -> list[Row]:
        rows = (to_properties(row) for row in self._bundle.rows()[name] if row_id(row) in ids)
        return [{"rows": [_without_nulls(row) for row in rows]}]

    def _list_last_evidence(self, claims: Sequence[Mapping[str, str]]) -> list[Row]:
        last: list[list[str]] = []
        for asked in claims:
            keys = (evidence_keys(row)["ledger_key"] for row in self._bundle.evidence)
            within = [key for key in keys if key is not None and asked["low"] < key < asked["high"]]
            last += [[asked["id"], max(within)]] if within else []
        return [{"last": last}]

    def _list_influence_ends(self) -> list[Row]:
        return [{"edges": [[row.parent_id, [row.child_id]] for row in self._bundle.influences]}]

    def _between(self, name: str, columns: Sequence[str], pairs: Sequence[Sequence[str]]) -> list[Row]:
        rows = ([getattr(row, column) for column in columns] for row in self._bundle.rows()[name])
        return [{"rows": [row for row in rows if row[1:3] in pairs]}]

    def _list_holders(self, keys: Sequence[str]) -> list[Row]:
        holders = [[row.idempotency_key, row.id] for row in self._bundle.evidence if row.idempotency_key in keys]
        return [{"holders": holders}]

    def _list_owners(self, ids: Sequence[str]) -> list[Row]:
        return [{"prediction_ids": sorted({row.prediction_id for row in self._bundle.milestones if row.id in ids})}]

    def _list_milestones(self, ids: Sequence[str]) -> list[Row]:
        rows = (to_properties(row) for row in self._bundle.milestones if row.prediction_id in ids)
        return [{"rows": [_without_nulls(row) for row in rows]}]


def _without_nulls(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}
