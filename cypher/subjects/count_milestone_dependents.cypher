// Takes milestones for writing and counts the ledger rows that each bears: a record each. $ids: milestones.
UNWIND $ids AS id
MATCH (milestone:Milestone {id: id})
SET milestone._lock = true
REMOVE milestone._lock
RETURN milestone {.id, .prediction_id, .kind, .status, .observed_date, .miss_emitted_at} AS milestone,
  COUNT { (milestone)<-[:FROM]-() } AS evidence
ORDER BY milestone.id
