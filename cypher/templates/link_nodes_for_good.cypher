// Ties each #label to what its own properties name, which is the same for good. $ids: the nodes' ids.
UNWIND $ids AS id
MATCH (node:#space {#key: id})
#each references
CALL (node) {
  MATCH (other:#other {#other_key: node.#property})
  MERGE (#start)-[:#relationship]->(#end)
}
#end
RETURN count(node) AS num_nodes
