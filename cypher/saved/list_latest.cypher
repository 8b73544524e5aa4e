// The latest version of each saved query, by name. $limit: the most queries.
MATCH (query:SavedQuery)
WHERE query.name > '' AND query.version > 0
WITH query
ORDER BY query.name, query.version DESC
WITH query.name AS name, head(collect(query)) AS latest
RETURN properties(latest) AS query
ORDER BY name
LIMIT $limit
