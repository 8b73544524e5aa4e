// Whole milestone chains in one record. $ids: predictions.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})-[:HAS_MILESTONE]->(milestone:Milestone)
USING INDEX SEEK claim:Claim(id)
WITH milestone
ORDER BY milestone.id
RETURN collect(properties(milestone)) AS rows
