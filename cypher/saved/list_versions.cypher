// The versions of a saved query, newest first. $name: the query's; $version: a version, or null for all; $limit: the most.
MATCH (query:SavedQuery {name: $name})
WHERE query.version > 0 AND ($version IS NULL OR query.version = $version)
RETURN properties(query) AS query
ORDER BY query.version DESC
LIMIT $limit
