// Whole milestone chains in one record. $ids: predictions.
UNWIND $ids AS id
MATCH (:Claim {id: id})-[:HAS_MILESTONE]->(milestone:Milestone)
WITH milestone
ORDER BY milestone.id
RETURN collect(properties(milestone)) AS rows
