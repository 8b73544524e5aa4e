// What the graph already has of the ids that a bundle names: list, id and what an import needs to know of it.
// Each parameter is a list of ids.
UNWIND $claims AS id
MATCH (n:Claim {id: id})
RETURN 'claims' AS list, n.id AS id, [label IN labels(n) WHERE label <> 'Claim'][0] AS kind,
  n.stated_probability AS probability, n.imported_on AS imported_on, null AS published_at
UNION ALL
UNWIND $predictors AS id
MATCH (n:Predictor {id: id})
RETURN 'predictors' AS list, n.id AS id, 'Predictor' AS kind, null AS probability, null AS imported_on, null AS published_at
UNION ALL
UNWIND $episodes AS id
MATCH (n:Episode {id: id})
RETURN 'episodes' AS list, n.id AS id, 'Episode' AS kind, null AS probability, null AS imported_on, null AS published_at
UNION ALL
UNWIND $domains AS id
MATCH (n:Domain {id: id})
RETURN 'domains' AS list, n.id AS id, 'Domain' AS kind, null AS probability, null AS imported_on, null AS published_at
UNION ALL
UNWIND $reference_classes AS id
MATCH (n:ReferenceClass {id: id})
RETURN 'reference_classes' AS list, n.id AS id, 'ReferenceClass' AS kind, null AS probability, null AS imported_on,
  null AS published_at
UNION ALL
UNWIND $tickers AS id
MATCH (n:Ticker {symbol: id})
RETURN 'tickers' AS list, n.symbol AS id, 'Ticker' AS kind, null AS probability, null AS imported_on, null AS published_at
UNION ALL
UNWIND $documents AS id
MATCH (n:Document {id: id})
RETURN 'documents' AS list, n.id AS id, 'Document' AS kind, null AS probability, null AS imported_on,
  n.published_at AS published_at
UNION ALL
UNWIND $milestones AS id
MATCH (n:Milestone {id: id})
RETURN 'milestones' AS list, n.id AS id, 'Milestone' AS kind, null AS probability, null AS imported_on,
  null AS published_at
