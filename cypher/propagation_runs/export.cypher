// A page of all propagation runs by id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (run:PropagationRun)
WHERE run.id > $after
RETURN run.id AS key, properties(run) AS row
ORDER BY key
LIMIT $limit
