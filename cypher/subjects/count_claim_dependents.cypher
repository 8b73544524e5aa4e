// Takes a claim for writing and counts what hangs on it; no row where there is none. $id: the claim.
MATCH (claim:Claim {id: $id})
SET claim._lock = true
REMOVE claim._lock
RETURN claim.status AS status, COUNT { (claim)<-[:UPDATES]-() } AS evidence, COUNT { (claim)<-[:CHECKS]-() } AS validations,
  COUNT {
    MATCH (claim)-[:HAS_MILESTONE]->(milestone:Milestone)
    WHERE milestone.observed_date IS NOT NULL OR milestone.miss_emitted_at IS NOT NULL
      OR milestone.status IN ['HIT', 'MISSED'] OR EXISTS { (milestone)<-[:FROM]-() }
  } AS observed_milestones,
  COUNT { (claim)<-[:FORECASTS]-() } AS forecasts,
  COUNT { (claim)-[:#influence_kinds]-() } AS influences,
  COUNT { (claim)-[:#exposure_signs]->() } AS exposures,
  COUNT { (claim)<-[:ABOUT]-() } AS document_links,
  COUNT { (claim)-[:HAS_MILESTONE]->() } AS milestones
