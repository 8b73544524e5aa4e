// Sets what predictors' records come to. $predictors: `id` and `properties`, an absent one as null.
UNWIND $predictors AS entry
MATCH (predictor:Predictor {id: entry.id})
SET predictor += entry.properties, predictor.updated_at = datetime.transaction(),
  predictor.updated_key = toString(datetime.transaction().epochSeconds * 1000000 + datetime.transaction().microsecond)
    + '!' + predictor.id
RETURN count(predictor) AS num_predictors
