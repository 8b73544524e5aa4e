// Writes each relationship that is new or differs. $rows: properties, absent ones as null, and page keys.
// Returns the ids of the new and of the changed ones in one row; an edge without page keys has just been made.
UNWIND $rows AS row
MATCH (source:#source {#source_key: row.#source_property})
CALL (row) {
  MATCH (target:#target {#target_key: row.#target_property})
  RETURN target
}
MERGE (source)-[edge:#types]->(target)
WITH row, edge, edge.#page_key IS NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(edge[key] = row[key], edge[key] IS NULL AND row[key] IS NULL))
SET edge += row
WITH row.#source_property + '|' + row.#target_property AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
