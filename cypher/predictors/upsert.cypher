// Writes each Predictor that is new or differs; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (predictor:Predictor {id: row.id})
ON CREATE SET predictor._is_new = true
WITH predictor, row, predictor._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(predictor[key] = row[key], predictor[key] IS NULL AND row[key] IS NULL))
SET predictor += row
REMOVE predictor._is_new
WITH predictor.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
