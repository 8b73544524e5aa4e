// Deletes a predictor that nothing refers to. $id: the predictor. Returns how many were deleted.
MATCH (predictor:Predictor {id: $id})
DELETE predictor
RETURN count(*) AS num_deleted
