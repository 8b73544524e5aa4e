// Writes each Validation that is new or differs, and hangs it on its claim and no other; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (validation:Validation {id: row.id})
ON CREATE SET validation._is_new = true
WITH validation, row, validation._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(validation[key] = row[key], validation[key] IS NULL AND row[key] IS NULL))
SET validation += row
REMOVE validation._is_new
WITH validation, is_new
CALL (validation) {
  MATCH (validation)-[had:CHECKS]->(old)
  WHERE old.id <> validation.prediction_id
  DELETE had
}
CALL (validation) {
  MATCH (claim:Claim {id: validation.prediction_id})
  MERGE (validation)-[:CHECKS]->(claim)
}
WITH validation.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
