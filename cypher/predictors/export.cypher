// A page of all predictors by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (predictor:Predictor)
USING INDEX SEEK predictor:Predictor(id)
WHERE predictor.id > $after
WITH predictor
ORDER BY predictor.id
LIMIT $limit
RETURN collect(properties(predictor)) AS rows, max(predictor.id) AS last_key
