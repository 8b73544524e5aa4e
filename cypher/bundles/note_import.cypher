// Notes how far an import has come. $digest: of its file; $rows_done and $rows_in_all: rows.
MERGE (graph:Graph {id: 'import:' + $digest})
ON CREATE SET graph.started_at = datetime.realtime()
SET graph.num_rows = $rows_in_all, graph.num_rows_done = $rows_done
RETURN graph.id AS id
