// The influences that bear on or come from some claims, with both ends' stated probabilities. $ids: claims.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
CALL (claim) {
  MATCH (claim)-[edge:#influence_kinds]-(:Claim)
  RETURN edge
}
WITH DISTINCT edge, startNode(edge) AS parent, endNode(edge) AS child
RETURN type(edge) AS kind, parent.id AS parent_id, child.id AS child_id, edge.p_if_true AS p_if_true,
  edge.p_if_false AS p_if_false, parent.stated_probability AS parent_probability,
  child.stated_probability AS child_probability
ORDER BY parent_id, child_id, kind
