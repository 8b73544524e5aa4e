// A page of all predictors by id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (predictor:Predictor)
WHERE predictor.id > $after
RETURN predictor.id AS key, properties(predictor) AS row
ORDER BY key
LIMIT $limit
