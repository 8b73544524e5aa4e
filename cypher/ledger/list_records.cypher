// Predictors' resolved predictions that count, in order of resolution, and the record kept elsewhere: a record each.
// $predictors: `id`, `low` and `high`, between which the keys of its record lie.
UNWIND $predictors AS asked
MATCH (predictor:Predictor {id: asked.id})
CALL (asked) {
  MATCH (prediction:Prediction)
  USING INDEX SEEK prediction:Prediction(record_key)
  WHERE prediction.record_key > asked.low AND prediction.record_key < asked.high
  WITH prediction
  ORDER BY prediction.record_key
  RETURN collect(prediction.stated_probability) AS stated, collect(prediction.status = 'RESOLVED_TRUE') AS outcomes
}
RETURN predictor {.id, .kappa, .kappa_source, .brier, .n_resolved, .record_kappa, .record_brier, .record_n_resolved,
  .record_source, .brier_key, .kappa_key, .resolved_count_key} AS predictor, stated, outcomes
ORDER BY predictor.id
