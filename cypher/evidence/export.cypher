// A page of all evidence by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (evidence:Evidence)
USING INDEX SEEK evidence:Evidence(id)
WHERE evidence.id > $after
WITH evidence
ORDER BY evidence.id
LIMIT $limit
RETURN collect(properties(evidence)) AS rows, max(evidence.id) AS last_key
