// Writes each SavedQuery that is new or differs; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (query:SavedQuery {name: row.name, version: row.version})
ON CREATE SET query._is_new = true
WITH query, row, query._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(query[key] = row[key], query[key] IS NULL AND row[key] IS NULL))
SET query += row
REMOVE query._is_new
WITH query.name + '@' + query.version AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
