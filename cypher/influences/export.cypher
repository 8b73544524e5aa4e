// A page of all influences by parent; of each kind at most $limit. $after: the last key of the page before, '' at first.
CALL () {
  MATCH ()-[edge:PREREQUISITE_OF]->()
  WHERE edge.outgoing_key > $after
  RETURN edge, edge.outgoing_key AS key, 'PREREQUISITE_OF' AS kind
  ORDER BY key
  LIMIT $limit
  UNION ALL
  MATCH ()-[edge:KILLS]->()
  WHERE edge.outgoing_key > $after
  RETURN edge, edge.outgoing_key AS key, 'KILLS' AS kind
  ORDER BY key
  LIMIT $limit
  UNION ALL
  MATCH ()-[edge:CORRELATES_WITH]->()
  WHERE edge.outgoing_key > $after
  RETURN edge, edge.outgoing_key AS key, 'CORRELATES_WITH' AS kind
  ORDER BY key
  LIMIT $limit
}
RETURN key, properties(edge) AS row
ORDER BY key, kind
