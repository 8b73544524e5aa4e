// A page of all documents by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (document:Document)
USING INDEX SEEK document:Document(id)
WHERE document.id > $after
WITH document
ORDER BY document.id
LIMIT $limit
RETURN collect(properties(document)) AS rows, max(document.id) AS last_key
