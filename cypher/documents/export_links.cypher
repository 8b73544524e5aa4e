// A page of which document is about which claim in one record, with its last key. $after: the last key of the page before, '' at first. $limit: rows.
MATCH ()-[edge:ABOUT]->()
USING INDEX SEEK edge:ABOUT(document_key)
WHERE edge.document_key > $after
WITH edge
ORDER BY edge.document_key
LIMIT $limit
RETURN collect(properties(edge)) AS rows, max(edge.document_key) AS last_key
