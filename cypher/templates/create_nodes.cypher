// Creates nodes with the label #label, none of which the graph has, and ties each to what its own properties name.
// Returns their number. $rows: properties, absent ones left out. Moments are text, which the driver makes in a hundredth
// of the time that datetimes take. All labels come before the properties, so that each index is told once of all of them.
UNWIND $rows AS row
WITH row {
    .*
    #each moments
    , #moment: datetime(row.#moment)
    #end
  } AS row
CREATE (node
  #each labels
  :#label
  #end
)
SET node = row
#each stamps
SET node.created_at = datetime.transaction(), node.updated_at = datetime.transaction(),
  node.created_key = toString(datetime.transaction().epochSeconds * 1000000 + datetime.transaction().microsecond)
    + '!' + node.#key,
  node.updated_key = toString(datetime.transaction().epochSeconds * 1000000 + datetime.transaction().microsecond)
    + '!' + node.#key
#end
#each references
WITH node, row
CALL (node, row) {
  MATCH (other:#other {#other_key: row.#property})
  CREATE (#start)-[:#relationship]->(#end)
}
#end
RETURN count(node) AS num_created
