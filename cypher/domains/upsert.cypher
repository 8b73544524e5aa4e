// Writes each Domain that is new or differs; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (domain:Domain {id: row.id})
ON CREATE SET domain._is_new = true
WITH domain, row, domain._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(domain[key] = row[key], domain[key] IS NULL AND row[key] IS NULL))
SET domain += row
REMOVE domain._is_new
WITH domain.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
