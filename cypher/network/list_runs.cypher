// Propagation runs. $ids: which.
UNWIND $ids AS id
MATCH (run:PropagationRun {id: id})
RETURN properties(run) AS run
ORDER BY run.id
