// The latest propagation runs, the newest first. $limit: how many.
MATCH (run:PropagationRun)
USING INDEX SEEK run:PropagationRun(started_at)
WHERE run.started_at > datetime({epochSeconds: 0})
WITH run
ORDER BY run.started_at DESC
LIMIT $limit
RETURN properties(run) AS run
ORDER BY run.started_at DESC
