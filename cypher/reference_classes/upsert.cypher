// Writes each ReferenceClass that is new or differs; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (class:ReferenceClass {id: row.id})
ON CREATE SET class._is_new = true
WITH class, row, class._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(class[key] = row[key], class[key] IS NULL AND row[key] IS NULL))
SET class += row
REMOVE class._is_new
WITH class.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
