// Writes each Milestone that is new or differs, and hangs it on its claim and no other; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (milestone:Milestone {id: row.id})
ON CREATE SET milestone._is_new = true
WITH milestone, row, milestone._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(milestone[key] = row[key], milestone[key] IS NULL AND row[key] IS NULL))
SET milestone += row
REMOVE milestone._is_new
WITH milestone, is_new
CALL (milestone) {
  MATCH (old)-[had:HAS_MILESTONE]->(milestone)
  WHERE old.id <> milestone.prediction_id
  DELETE had
}
CALL (milestone) {
  MATCH (claim:Claim {id: milestone.prediction_id})
  MERGE (claim)-[:HAS_MILESTONE]->(milestone)
}
WITH milestone.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
