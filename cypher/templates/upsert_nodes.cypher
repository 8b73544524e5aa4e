// Writes each #label that is new or differs, and ties it to its owner and no other, where it has one.
// Returns the ids of the new and of the changed ones in one row.
// $rows: properties, absent ones as null.
#each moments
// The moment #moment is text, which the driver makes in a hundredth of the time that a datetime takes.
#end
UNWIND $rows AS row
#each moments
WITH row {.*, #moment: datetime(row.#moment)} AS row
#end
MERGE (node:#space {
  #each keys
  #key: row.#key
  #between
  ,
  #end
})
ON CREATE SET
#each stamps
  node.created_at = datetime.transaction(),
  node.created_key = toString(datetime.transaction().epochSeconds * 1000000 + datetime.transaction().microsecond)
    + '!' + row.#key,
#end
  node._is_new = true
WITH node, row, node._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(node[key] = row[key], node[key] IS NULL AND row[key] IS NULL))
SET node += row
#each stamps
SET node.updated_at = datetime.transaction(),
  node.updated_key = toString(datetime.transaction().epochSeconds * 1000000 + datetime.transaction().microsecond)
    + '!' + node.#key
#end
REMOVE node._is_new
#each owners
WITH node, is_new
CALL (node) {
  MATCH (#start)-[old:#relationship]->(#end)
  WHERE other.#other_key <> node.#property
  DELETE old
}
CALL (node) {
  MATCH (other:#other {#other_key: node.#property})
  MERGE (#start)-[:#relationship]->(#end)
}
#end
WITH is_new,
  #each keys
  node.#key
  #between
  + '@' +
  #end
  AS id
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
