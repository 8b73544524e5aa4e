// Stores what follows for the statuses of predictions' milestones, by which lists are read, where it differs from what is stored.
// $ids: predictions; $grace_days: days that a milestone may be late.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})-[:HAS_MILESTONE]->(milestone:Milestone)
USING INDEX SEEK claim:Claim(id)
WITH milestone, CASE
  WHEN milestone.status IN ['HIT', 'MISSED'] THEN milestone.status
  WHEN milestone.miss_emitted_at IS NOT NULL THEN 'OVERDUE'
  WHEN claim.resolved_at IS NULL THEN 'WAITING'
  WHEN datetime({date: coalesce(milestone.range_to, milestone.expected_date) + duration({days: $grace_days}), timezone: 'Z'})
    < claim.resolved_at THEN 'OVERDUE'
  ELSE 'PENDING'
END AS status_key
WHERE milestone.status_key IS NULL OR milestone.status_key <> status_key
SET milestone.status_key = status_key
RETURN count(milestone) AS num_milestones
