// Writes each #label that is new or differs, and ties it to its owner, where it has one, which is the same for good.
// Returns the ids of the new and of the changed ones in one row.
// $rows: `row`, properties, absent ones as null; `derived`, what a new node gets besides and an old one keeps. Moments
// are text, which the driver makes in a hundredth of the time that datetimes take.
// A label comes before the properties, so that each index is told once of all of them.
UNWIND $rows AS entry
WITH entry.row AS row, entry.derived AS derived
WITH row {
    .*
    #each moments
    , #moment: datetime(row.#moment)
    #end
  } AS row,
  derived {
    .*
    #each derived_moments
    , #moment: datetime(derived.#moment)
    #end
  } AS derived
MERGE (node:#space {#key: row.#key})
ON CREATE SET
  #each further_labels
  node:#label,
  #end
#each stamps
  node.created_at = datetime.transaction(),
  node.created_key = toString(datetime.transaction().epochSeconds * 1000000 + datetime.transaction().microsecond)
    + '!' + row.#key,
#end
  node._is_new = true
WITH node, row, derived, node._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(node[key] = row[key], node[key] IS NULL AND row[key] IS NULL))
SET node += row
SET node += CASE WHEN is_new THEN derived ELSE {} END
#each stamps
SET node.updated_at = datetime.transaction(),
  node.updated_key = toString(datetime.transaction().epochSeconds * 1000000 + datetime.transaction().microsecond)
    + '!' + node.#key
#end
REMOVE node._is_new
#each owners
WITH node, is_new
CALL (node) {
  MATCH (other:#other {#other_key: node.#property})
  MERGE (#start)-[:#relationship]->(#end)
}
#end
WITH node.#key AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
