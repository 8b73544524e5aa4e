// A page of all relationships of a list by their page key in one record, with its last key. $after: the last key of the
// page before, '' at first. $limit: rows.
CALL () {
  #each types
  MATCH ()-[edge:#type]->()
  USING INDEX SEEK edge:#type(#page_key)
  WHERE edge.#page_key > $after
  RETURN edge, edge.#page_key AS key
  ORDER BY key
  LIMIT $limit
  #between
  UNION ALL
  #end
}
WITH edge, key
ORDER BY key
LIMIT $limit
RETURN collect(properties(edge)) AS rows, max(key) AS last_key
