// Predictions as they are stored. $ids: predictions.
UNWIND $ids AS id
MATCH (prediction:Claim {id: id})
WHERE prediction:Prediction
RETURN properties(prediction) AS row
ORDER BY prediction.id
