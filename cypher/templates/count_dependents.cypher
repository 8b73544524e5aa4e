// Takes a #label for writing and counts what refers to it; no row where there is none. $id: its #key.
MATCH (node:#label {#key: $id})
SET node._lock = true
REMOVE node._lock
RETURN
  #each relationships
  COUNT { (#start)-[:#types]->(#end) } AS #dependents
  #between
  ,
  #end
  #each properties
  , COUNT {
    MATCH (other:#other)
    WHERE other.#property = node.#key
  } AS #dependents
  #end
