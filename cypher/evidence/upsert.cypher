// Writes each Evidence that is new or differs, and hangs it on its claim; returns the ids of the new and of the others in one row.
// $rows: `row`, properties, absent ones as null; `derived`, what a new one gets besides and an old one keeps.
// Moments come as text, which a client makes in a hundredth of the time that its datetimes take.
UNWIND $rows AS entry
WITH entry.row AS row, entry.derived AS derived
WITH row {.*, observed_at: datetime(row.observed_at), recorded_at: datetime(row.recorded_at)} AS row, derived
MERGE (evidence:Evidence {id: row.id})
ON CREATE SET evidence._is_new = true
WITH evidence, row, derived, evidence._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(evidence[key] = row[key], evidence[key] IS NULL AND row[key] IS NULL))
SET evidence += row
SET evidence += CASE WHEN is_new THEN derived ELSE {} END
REMOVE evidence._is_new
WITH evidence, is_new
CALL (evidence) {
  MATCH (claim:Claim {id: evidence.claim_id})
  MERGE (evidence)-[:UPDATES]->(claim)
}
WITH evidence.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
