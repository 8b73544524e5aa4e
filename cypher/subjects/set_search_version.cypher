// Notes by which version of ours the words that search finds nodes by were made. $version: the version.
MERGE (graph:Graph {id: 'graph'})
SET graph.search_version = $version
RETURN graph.search_version AS version
