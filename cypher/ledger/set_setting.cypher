// Sets the policy that the graph's beliefs follow, and what it has learned of timing. $setting: `policy`, `timing_short` and
// `timing_long`, shares, null where nothing is learned; of a restored one, also what is noted of its versions. Returns the policy.
MERGE (graph:Graph {id: 'graph'})
SET graph += $setting
RETURN graph.policy AS policy
