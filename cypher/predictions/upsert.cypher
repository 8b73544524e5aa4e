// Writes each Prediction that is new or differs; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
// The label comes before the properties, so that each index is told once of all of them.
UNWIND $rows AS row
MERGE (claim:Claim {id: row.id})
ON CREATE SET claim:Prediction, claim._is_new = true
WITH claim, row, claim._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(claim[key] = row[key], claim[key] IS NULL AND row[key] IS NULL))
SET claim += row
REMOVE claim._is_new
WITH claim.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
