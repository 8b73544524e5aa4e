// Notes how far an import has come. $digest: of its file; $rows_done and $rows_in_all: rows; $is_restore: whether the graph was empty.
MERGE (graph:Graph {id: 'import:' + $digest})
ON CREATE SET graph.started_at = datetime.realtime()
SET graph.num_rows = $rows_in_all, graph.num_rows_done = $rows_done, graph.is_restore = $is_restore
RETURN graph.id AS id
