// The influences that the graph has between some claims, in one record: kind, parent, child, P(child | parent true) and P(child |
// parent false), null without a table. $pairs: a parent and a child each.
UNWIND $pairs AS pair
MATCH (parent:Claim {id: pair[0]})
CALL (pair) {
  MATCH (child:Claim {id: pair[1]})
  RETURN child
}
CALL (parent, child) {
  MATCH (parent)-[edge:#influence_kinds]->(child)
  RETURN edge
}
RETURN collect([type(edge), parent.id, child.id, edge.p_if_true, edge.p_if_false]) AS rows
