// Counts propagation runs. $methods: any of these, null for all; $converged: whether they converged, null for either; $from and $to:
// moments between which they began, both included.
MATCH (run:PropagationRun)
USING INDEX SEEK run:PropagationRun(started_at)
WHERE run.started_at >= $from AND run.started_at <= $to
  AND ($methods IS NULL OR run.method IN $methods) AND ($converged IS NULL OR run.converged = $converged)
RETURN count(run) AS num_runs
