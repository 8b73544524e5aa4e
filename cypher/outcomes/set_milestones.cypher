// Sets properties of milestones. $rows: `id` and `properties`, an absent one as null.
UNWIND $rows AS row
MATCH (milestone:Milestone {id: row.id})
SET milestone += row.properties
RETURN count(milestone) AS num_milestones
