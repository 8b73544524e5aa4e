// Ledger rows as they are stored. $ids: evidence.
UNWIND $ids AS id
MATCH (evidence:Evidence {id: id})
RETURN properties(evidence) AS row
ORDER BY evidence.id
