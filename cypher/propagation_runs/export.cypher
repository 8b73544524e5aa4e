// A page of all propagation runs by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (run:PropagationRun)
USING INDEX SEEK run:PropagationRun(id)
WHERE run.id > $after
WITH run
ORDER BY run.id
LIMIT $limit
RETURN collect(properties(run)) AS rows, max(run.id) AS last_key
