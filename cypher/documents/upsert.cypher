// Writes each Document that is new or differs; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
// Moments come as text, which a client makes in a hundredth of the time that its datetimes take.
UNWIND $rows AS row
WITH row {.*, published_at: datetime(row.published_at)} AS row
MERGE (document:Document {id: row.id})
ON CREATE SET document._is_new = true
WITH document, row, document._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(document[key] = row[key], document[key] IS NULL AND row[key] IS NULL))
SET document += row
REMOVE document._is_new
WITH document.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
