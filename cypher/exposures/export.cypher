// A page of all exposures by prediction in one record, with its last key. $after: the last key of the page before, '' at first. $limit: rows.
CALL () {
  MATCH ()-[edge:BENEFITS]->()
  USING INDEX SEEK edge:BENEFITS(prediction_key)
  WHERE edge.prediction_key > $after
  RETURN edge, edge.prediction_key AS key
  ORDER BY key
  LIMIT $limit
  UNION ALL
  MATCH ()-[edge:HARMS]->()
  USING INDEX SEEK edge:HARMS(prediction_key)
  WHERE edge.prediction_key > $after
  RETURN edge, edge.prediction_key AS key
  ORDER BY key
  LIMIT $limit
}
WITH edge, key
ORDER BY key
LIMIT $limit
RETURN collect(properties(edge)) AS rows, max(key) AS last_key
