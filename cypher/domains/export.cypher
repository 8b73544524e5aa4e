// A page of all domains by id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (domain:Domain)
WHERE domain.id > $after
RETURN domain.id AS key, properties(domain) AS row
ORDER BY key
LIMIT $limit
