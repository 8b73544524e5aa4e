// A page of all milestones by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (milestone:Milestone)
USING INDEX SEEK milestone:Milestone(id)
WHERE milestone.id > $after
WITH milestone
ORDER BY milestone.id
LIMIT $limit
RETURN collect(properties(milestone)) AS rows, max(milestone.id) AS last_key
