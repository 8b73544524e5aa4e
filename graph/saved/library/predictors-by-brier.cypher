// description: Predictors by the Brier score of their record (0 is best), of those with enough resolved predictions.
// version: 1
// parameter: leastResolved INTEGER = 5: Resolved predictions that a predictor must have.
MATCH (predictor:Predictor)
WHERE predictor.brier IS NOT NULL AND predictor.n_resolved >= $leastResolved
RETURN predictor.id AS predictor, predictor.name AS name, predictor.brier AS brier, predictor.n_resolved AS resolved_count,
  predictor.kappa AS kappa
ORDER BY brier, resolved_count DESC, predictor
