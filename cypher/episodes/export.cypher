// A page of all episodes by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (episode:Episode)
USING INDEX SEEK episode:Episode(id)
WHERE episode.id > $after
WITH episode
ORDER BY episode.id
LIMIT $limit
RETURN collect(properties(episode)) AS rows, max(episode.id) AS last_key
