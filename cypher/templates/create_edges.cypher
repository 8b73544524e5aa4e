// Creates relationships, none of which the graph has. $rows: properties and page keys, absent ones left out.
// Returns their number.
UNWIND $rows AS row
MATCH (source:#source {#source_key: row.#source_property})
CALL (row) {
  MATCH (target:#target {#target_key: row.#target_property})
  RETURN target
}
CREATE (source)-[edge:#types]->(target)
SET edge = row
RETURN count(edge) AS num_created
