// Notes by which version of ours what stands beside the ledger was made. $version: the version.
MERGE (graph:Graph {id: 'graph'})
SET graph.derived_version = $version
RETURN graph.derived_version AS version
