// Ledger rows as they are stored, in one record. $ids: evidence.
UNWIND $ids AS id
MATCH (evidence:Evidence {id: id})
WITH evidence
ORDER BY evidence.id
RETURN collect(properties(evidence)) AS rows
