// A page of a reference class's predictions, as one list of ids with the last key. $low and $high: between which the class's keys lie.
// $limit: rows.
MATCH (prediction:Prediction)
USING INDEX SEEK prediction:Prediction(class_deadline_key)
WHERE prediction.class_deadline_key > $low AND prediction.class_deadline_key < $high
WITH prediction
ORDER BY prediction.class_deadline_key
LIMIT $limit
RETURN collect(prediction.id) AS ids, max(prediction.class_deadline_key) AS last_key
