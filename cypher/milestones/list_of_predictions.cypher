// Whole milestone chains. $ids: predictions.
UNWIND $ids AS id
MATCH (:Claim {id: id})-[:HAS_MILESTONE]->(milestone:Milestone)
RETURN properties(milestone) AS row
ORDER BY milestone.id
