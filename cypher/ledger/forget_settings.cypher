// Removes an empty graph's setting and its versions, so that it follows foregraph-1, or takes on that of another. Returns how many
// versions there were.
MATCH (version:Version)
USING INDEX SEEK version:Version(id)
WHERE version.id > 'GRAPH!graph!' AND version.id < 'GRAPH!graph"'
DELETE version
WITH count(version) AS num_versions
MERGE (graph:Graph {id: 'graph'})
REMOVE graph.num_versions, graph.versioned_at, graph.policy, graph.timing_short, graph.timing_long
RETURN num_versions
