// Writes each PropagationRun that is new or differs; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (run:PropagationRun {id: row.id})
ON CREATE SET run._is_new = true
WITH run, row, run._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(run[key] = row[key], run[key] IS NULL AND row[key] IS NULL))
SET run += row
REMOVE run._is_new
WITH run.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
