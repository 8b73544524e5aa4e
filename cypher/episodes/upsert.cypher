// Writes each Episode that is new or differs; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (episode:Episode {id: row.id})
ON CREATE SET episode._is_new = true
WITH episode, row, episode._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(episode[key] = row[key], episode[key] IS NULL AND row[key] IS NULL))
SET episode += row
REMOVE episode._is_new
WITH episode.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
