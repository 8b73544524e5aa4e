// Removes a few of the oldest propagation runs beyond the latest ones. $kept: runs to keep; $limit: the most to remove. Returns how
// many went.
MATCH (run:PropagationRun)
USING INDEX SEEK run:PropagationRun(started_at)
WHERE run.started_at > datetime({epochSeconds: 0})
WITH run
ORDER BY run.started_at DESC
SKIP $kept
LIMIT $limit
DELETE run
RETURN count(*) AS num_runs
