// description: Milestones of open predictions that are expected within some days, the next ones first.
// version: 1
// parameter: days INTEGER = 90: Days to look ahead.
// parameter: on DATE = null: The day to look ahead from; today if omitted.
WITH coalesce($on, date()) AS start
MATCH (milestone:Milestone)
WHERE milestone.expected_date >= start AND milestone.expected_date <= start + duration({days: $days})
  AND milestone.status IN ['PENDING', 'OVERDUE']
MATCH (prediction:Prediction {status: 'OPEN'})-[:HAS_MILESTONE]->(milestone)
RETURN milestone.expected_date AS expected_on, milestone.kind AS kind, milestone.label AS label,
  prediction.id AS prediction, prediction.title AS title, prediction.posterior AS posterior, milestone.id AS milestone
ORDER BY expected_on, milestone
