// Predictions as they are stored, in one record. $ids: predictions.
UNWIND $ids AS id
MATCH (prediction:Claim {id: id})
WHERE prediction:Prediction
WITH prediction
ORDER BY prediction.id
RETURN collect(properties(prediction)) AS rows
