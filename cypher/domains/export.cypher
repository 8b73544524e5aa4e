// A page of all domains by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (domain:Domain)
USING INDEX SEEK domain:Domain(id)
WHERE domain.id > $after
WITH domain
ORDER BY domain.id
LIMIT $limit
RETURN collect(properties(domain)) AS rows, max(domain.id) AS last_key
