// A page of all milestones by id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (milestone:Milestone)
WHERE milestone.id > $after
RETURN milestone.id AS key, properties(milestone) AS row
ORDER BY key
LIMIT $limit
