// The imports that were begun and not ended, as they are noted.
MATCH (graph:Graph)
USING INDEX SEEK graph:Graph(id)
WHERE graph.id STARTS WITH 'import:'
RETURN substring(graph.id, size('import:')) AS digest, graph.num_rows AS num_rows,
  graph.num_rows_done AS num_rows_done, graph.started_at AS started_at,
  coalesce(graph.is_restore, false) AS is_restore
ORDER BY started_at, digest
