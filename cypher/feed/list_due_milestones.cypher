// Waiting milestones of open predictions whose last day lies in a period, in one record. $low: its first day, as text; $high: the day
// after its last one.
MATCH (milestone:Milestone)
USING INDEX SEEK milestone:Milestone(status_key, calendar_key)
WHERE milestone.status_key = 'WAITING' AND milestone.calendar_key >= $low AND milestone.calendar_key < $high
MATCH (claim:Claim {id: milestone.prediction_id})
WHERE claim.status = 'OPEN'
WITH milestone
ORDER BY milestone.calendar_key
RETURN collect(milestone.id) AS ids
