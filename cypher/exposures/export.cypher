// A page of all exposures by prediction; of each sign at most $limit. $after: the last key of the page before, '' at first.
CALL () {
  MATCH ()-[edge:BENEFITS]->()
  WHERE edge.prediction_key > $after
  RETURN edge, edge.prediction_key AS key, 'BENEFITS' AS kind
  ORDER BY key
  LIMIT $limit
  UNION ALL
  MATCH ()-[edge:HARMS]->()
  WHERE edge.prediction_key > $after
  RETURN edge, edge.prediction_key AS key, 'HARMS' AS kind
  ORDER BY key
  LIMIT $limit
}
RETURN key, properties(edge) AS row
ORDER BY key, kind
