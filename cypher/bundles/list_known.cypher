// What the graph already has of the ids that a bundle names: a record for each list with what an import needs to know.
// Each parameter is a list of ids.
UNWIND $claims AS id
MATCH (n:Claim {id: id})
WITH collect({id: id, kind: [label IN labels(n) WHERE label <> 'Claim'][0], probability: n.stated_probability,
  imported_on: n.imported_on, predictor_id: n.predictor_id, num_evidence: n.num_evidence}) AS found
RETURN 'claims' AS list, found
UNION ALL
UNWIND $predictors AS id
MATCH (n:Predictor {id: id})
WITH collect({id: id}) AS found
RETURN 'predictors' AS list, found
UNION ALL
UNWIND $episodes AS id
MATCH (n:Episode {id: id})
WITH collect({id: id}) AS found
RETURN 'episodes' AS list, found
UNION ALL
UNWIND $domains AS id
MATCH (n:Domain {id: id})
WITH collect({id: id}) AS found
RETURN 'domains' AS list, found
UNION ALL
UNWIND $reference_classes AS id
MATCH (n:ReferenceClass {id: id})
WITH collect({id: id, base_rate: n.base_rate}) AS found
RETURN 'reference_classes' AS list, found
UNION ALL
UNWIND $tickers AS id
MATCH (n:Ticker {symbol: id})
WITH collect({id: id}) AS found
RETURN 'tickers' AS list, found
UNION ALL
UNWIND $documents AS id
MATCH (n:Document {id: id})
WITH collect({id: id, published_at: n.published_at}) AS found
RETURN 'documents' AS list, found
UNION ALL
UNWIND $milestones AS id
MATCH (n:Milestone {id: id})
WITH collect({id: id}) AS found
RETURN 'milestones' AS list, found
