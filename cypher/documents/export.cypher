// A page of all documents by id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (document:Document)
WHERE document.id > $after
RETURN document.id AS key, properties(document) AS row
ORDER BY key
LIMIT $limit
