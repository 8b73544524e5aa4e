// Writes each Domain that is new or differs; returns the ids of those, and whether each is new.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (domain:Domain {id: row.id})
ON CREATE SET domain._is_new = true
WITH domain, row, domain._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(domain[key] = row[key], domain[key] IS NULL AND row[key] IS NULL))
SET domain += row
REMOVE domain._is_new
RETURN domain.id AS id, is_new
