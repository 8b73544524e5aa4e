// Sets properties of milestones. $rows: `id` and `properties`, an absent one as null.
UNWIND $rows AS row
MATCH (milestone:Milestone {id: row.id})
SET milestone += row.properties, milestone.updated_at = datetime.transaction(),
  milestone.updated_key = toString(datetime.transaction().epochSeconds * 1000000 + datetime.transaction().microsecond)
    + '!' + milestone.id
RETURN count(milestone) AS num_milestones
