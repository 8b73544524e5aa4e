// Makes writers wait that are to raise the graph's revision, until the transaction ends; whatever raised it before has been applied
// as a whole then. No row in a graph that was never written.
MATCH (graph:Graph {id: 'graph'})
SET graph._lock = true
REMOVE graph._lock
RETURN graph.id AS id
