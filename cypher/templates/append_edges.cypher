// Creates each relationship whose #key no other has; others stay as they are. $rows: properties and page keys, absent ones as null.
// Returns the keys of the new ones in one row, and none that changed.
UNWIND $rows AS row
MATCH (source:#source {#source_key: row.#source_property})
CALL (row) {
  MATCH (target:#target {#target_key: row.#target_property})
  RETURN target
}
CALL (row) {
  OPTIONAL MATCH ()-[known:#types]->()
  WHERE known.#key = row.#key
  RETURN count(known) AS num_known
}
WITH row, source, target, num_known
WHERE num_known = 0
CREATE (source)-[edge:#types]->(target)
SET edge = row
WITH collect(row.#key) AS created
RETURN created, [] AS updated
