// A page of all evidence by id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (evidence:Evidence)
WHERE evidence.id > $after
RETURN evidence.id AS key, properties(evidence) AS row
ORDER BY key
LIMIT $limit
