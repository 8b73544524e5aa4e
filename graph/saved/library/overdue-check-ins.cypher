// description: Check-ins whose date has passed without an observation, by predictor: how many, and the oldest.
// version: 1
// parameter: days INTEGER = 7: Days since the last day on which a check-in was expected.
MATCH (predictor:Predictor)-[:MADE]->(prediction:Prediction {status: 'OPEN'})-[:HAS_MILESTONE]->(checkIn:Milestone)
WHERE checkIn.kind = 'CHECK_IN' AND checkIn.status IN ['PENDING', 'OVERDUE']
  AND coalesce(checkIn.range_to, checkIn.expected_date) < date() - duration({days: $days})
RETURN predictor.id AS predictor, predictor.name AS name, count(checkIn) AS overdue_count,
  count(DISTINCT prediction) AS prediction_count, min(coalesce(checkIn.range_to, checkIn.expected_date)) AS oldest
ORDER BY overdue_count DESC, oldest, predictor
