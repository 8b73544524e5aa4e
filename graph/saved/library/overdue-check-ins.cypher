// description: Check-ins of open predictions whose date has passed without an observation, by predictor: how many, and the oldest.
// version: 1
// parameter: days INTEGER = 7: Days that must have passed since the check-in was expected.
// parameter: on DATE = null: The day to count from; today if omitted.
WITH coalesce($on, date()) - duration({days: $days}) AS latest
MATCH (milestone:Milestone {kind: 'CHECK_IN'})
WHERE milestone.status IN ['PENDING', 'OVERDUE'] AND coalesce(milestone.range_to, milestone.expected_date) < latest
MATCH (predictor:Predictor)-[:MADE]->(prediction:Prediction {status: 'OPEN'})-[:HAS_MILESTONE]->(milestone)
RETURN predictor.id AS predictor, predictor.name AS name, count(milestone) AS overdue_count,
  count(DISTINCT prediction) AS prediction_count,
  min(coalesce(milestone.range_to, milestone.expected_date)) AS oldest
ORDER BY overdue_count DESC, oldest, predictor
