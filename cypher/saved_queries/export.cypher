// All saved queries by name and version, in one record with the last name; there are few. $after and $limit are taken like those of the other pages.
MATCH (query:SavedQuery)
WHERE query.name > $after AND query.version > 0
WITH query
ORDER BY query.name, query.version
RETURN collect(properties(query)) AS rows, max(query.name) AS last_key
