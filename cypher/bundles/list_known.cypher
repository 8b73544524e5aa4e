// What the graph already has of the ids that a bundle names: a record for each list with what an import needs to know.
// Each parameter is a list of ids.
UNWIND $claims AS id
MATCH (node:Claim {id: id})
WITH collect({id: id, kind: [label IN labels(node) WHERE label <> 'Claim'][0], probability: node.stated_probability,
  imported_on: node.imported_on, predictor_id: node.predictor_id, num_evidence: node.num_evidence,
  resolved_at: node.resolved_at, from_year: node.from_year, window_start: node.window_start, window_end: node.window_end}) AS found
RETURN 'claims' AS list, found
#each lists_with_property
UNION ALL
UNWIND $#list AS id
MATCH (node:#label {#key: id})
WITH collect({id: id, #property: node.#property}) AS found
RETURN '#list' AS list, found
#end
#each lists
UNION ALL
UNWIND $#list AS id
MATCH (node:#label {#key: id})
WITH collect({id: id}) AS found
RETURN '#list' AS list, found
#end
