// All saved queries by name and version; there are few. $after and $limit are taken like those of the other pages.
MATCH (query:SavedQuery)
WHERE query.name > $after AND query.version > 0
RETURN query.name AS key, properties(query) AS row
ORDER BY key, query.version
