// Writes each Evidence that is new or differs, and hangs it on its claim; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (evidence:Evidence {id: row.id})
ON CREATE SET evidence._is_new = true
WITH evidence, row, evidence._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(evidence[key] = row[key], evidence[key] IS NULL AND row[key] IS NULL))
SET evidence += row
REMOVE evidence._is_new
WITH evidence, is_new
CALL (evidence) {
  MATCH (claim:Claim {id: evidence.claim_id})
  MERGE (evidence)-[:UPDATES]->(claim)
}
WITH evidence.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
