// Takes predictors for writing until the transaction ends, in the order given. $ids: predictors.
UNWIND $ids AS id
MATCH (predictor:Predictor {id: id})
SET predictor._lock = true
REMOVE predictor._lock
RETURN count(predictor) AS num_predictors
