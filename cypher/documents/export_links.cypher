// A page of which document is about which claim. $after: the last key of the page before, '' at first. $limit: rows.
MATCH ()-[edge:ABOUT]->()
WHERE edge.document_key > $after
RETURN edge.document_key AS key, properties(edge) AS row
ORDER BY key
LIMIT $limit
