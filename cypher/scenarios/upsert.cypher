// Writes each Scenario that is new or differs; returns the ids of those, and whether each is new.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (claim:Claim {id: row.id})
ON CREATE SET claim._is_new = true
WITH claim, row, claim._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(claim[key] = row[key], claim[key] IS NULL AND row[key] IS NULL))
SET claim += row, claim:Scenario
REMOVE claim._is_new
RETURN claim.id AS id, is_new
