// By which version of ours the words that search finds nodes by were made; no row in a graph that was never written.
MATCH (graph:Graph {id: 'graph'})
RETURN coalesce(graph.search_version, 0) AS version
