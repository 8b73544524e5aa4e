// Deletes a claim with its milestones and all its relationships. $id: the claim. Returns which claims it
// influenced, and the keys of its exposures.
MATCH (claim:Claim {id: $id})
CALL (claim) {
  MATCH (claim)-[:HAS_MILESTONE]->(milestone:Milestone)
  DETACH DELETE milestone
  RETURN count(*) AS num_milestones
}
WITH claim, COLLECT { MATCH (claim)-[:#influence_kinds]->(child:Claim) RETURN DISTINCT child.id } AS child_ids, COLLECT {
    MATCH (claim)-[edge:#exposure_signs]->(ticker:Ticker)
    RETURN type(edge) + '|' + claim.id + '|' + ticker.symbol
  } AS exposure_ids
DETACH DELETE claim
RETURN child_ids, exposure_ids
