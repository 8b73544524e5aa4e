// Writes each ReferenceClass that is new or differs; returns the ids of those, and whether each is new.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (class:ReferenceClass {id: row.id})
ON CREATE SET class._is_new = true
WITH class, row, class._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(class[key] = row[key], class[key] IS NULL AND row[key] IS NULL))
SET class += row
REMOVE class._is_new
RETURN class.id AS id, is_new
