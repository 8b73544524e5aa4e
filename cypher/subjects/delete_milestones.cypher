// Deletes milestones with all their relationships. $ids: milestones. Returns how many were deleted.
UNWIND $ids AS id
MATCH (milestone:Milestone {id: id})
DETACH DELETE milestone
RETURN count(*) AS num_deleted
