// A page of all episodes by id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (episode:Episode)
WHERE episode.id > $after
RETURN episode.id AS key, properties(episode) AS row
ORDER BY key
LIMIT $limit
