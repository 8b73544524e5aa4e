// Deletes a claim with its milestones and all its relationships. $id: the claim. Returns how many were deleted.
MATCH (claim:Claim {id: $id})
CALL (claim) {
  MATCH (claim)-[:HAS_MILESTONE]->(milestone:Milestone)
  DETACH DELETE milestone
  RETURN count(*) AS num_milestones
}
WITH claim
DETACH DELETE claim
RETURN count(*) AS num_deleted
