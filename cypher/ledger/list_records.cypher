// Predictors' resolved predictions in order of resolution, as lists of what their records follow from, moments in microseconds, and the
// record kept elsewhere: a record each.
// $predictors: `id`, `low` and `high`, between which the keys of its record lie.
UNWIND $predictors AS asked
MATCH (predictor:Predictor {id: asked.id})
CALL (asked) {
  MATCH (prediction:Prediction)
  USING INDEX SEEK prediction:Prediction(record_key)
  WHERE prediction.record_key > asked.low AND prediction.record_key < asked.high
  WITH prediction
  ORDER BY prediction.record_key
  RETURN collect([prediction.stated_probability, prediction.status = 'RESOLVED_TRUE',
    prediction.resolved_at.epochMillis * 1000 + prediction.resolved_at.microsecond % 1000, prediction.from_year,
    prediction.window_start.epochMillis * 1000 + prediction.window_start.microsecond % 1000,
    prediction.window_end.epochMillis * 1000 + prediction.window_end.microsecond % 1000,
    prediction.deadline.epochMillis * 1000 + prediction.deadline.microsecond % 1000,
    prediction.reference_class_id]) AS outcomes
}
RETURN predictor {.id, .kappa, .kappa_source, .brier, .n_resolved, .record_kappa, .record_brier, .record_n_resolved,
  .record_source, .record_at, .local_record, .brier_key, .kappa_key, .resolved_count_key} AS predictor, outcomes
ORDER BY predictor.id
