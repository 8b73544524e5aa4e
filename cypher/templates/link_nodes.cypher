// Ties each #label to what its own properties name, and to nothing else. $ids: the nodes' ids.
UNWIND $ids AS id
MATCH (node:#space {#key: id})
#each references
CALL (node) {
  MATCH (#start)-[old:#relationship]->(#end)
  WHERE other:#other AND (node.#property IS NULL OR other.#other_key <> node.#property)
  DELETE old
}
CALL (node) {
  MATCH (other:#other {#other_key: node.#property})
  MERGE (#start)-[:#relationship]->(#end)
}
#end
RETURN count(node) AS num_nodes
