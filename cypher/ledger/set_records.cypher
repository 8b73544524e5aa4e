// Sets what predictors' records come to. $predictors: `id` and `properties`, an absent one as null.
UNWIND $predictors AS entry
MATCH (predictor:Predictor {id: entry.id})
SET predictor += entry.properties
RETURN count(predictor) AS num_predictors
