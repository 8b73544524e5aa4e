// A page of all influences by parent in one record, with its last key. $after: the last key of the page before, '' at first. $limit: rows.
CALL () {
  MATCH ()-[edge:PREREQUISITE_OF]->()
  USING INDEX SEEK edge:PREREQUISITE_OF(outgoing_key)
  WHERE edge.outgoing_key > $after
  RETURN edge, edge.outgoing_key AS key
  ORDER BY key
  LIMIT $limit
  UNION ALL
  MATCH ()-[edge:KILLS]->()
  USING INDEX SEEK edge:KILLS(outgoing_key)
  WHERE edge.outgoing_key > $after
  RETURN edge, edge.outgoing_key AS key
  ORDER BY key
  LIMIT $limit
  UNION ALL
  MATCH ()-[edge:CORRELATES_WITH]->()
  USING INDEX SEEK edge:CORRELATES_WITH(outgoing_key)
  WHERE edge.outgoing_key > $after
  RETURN edge, edge.outgoing_key AS key
  ORDER BY key
  LIMIT $limit
}
WITH edge, key
ORDER BY key
LIMIT $limit
RETURN collect(properties(edge)) AS rows, max(key) AS last_key
