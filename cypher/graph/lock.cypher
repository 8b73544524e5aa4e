// Makes the writers of beliefs and influences take turns until the transaction ends; returns the revision.
MERGE (graph:Graph {id: 'graph'})
SET graph._lock = true
REMOVE graph._lock
RETURN coalesce(graph.revision, 0) AS revision
