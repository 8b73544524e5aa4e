// How many rows the requests of `reading/expand_claims` and `reading/expand_nodes` have in all. $requests: lists of those requests by
// relation; returns each one's index and its total.
UNWIND $requests.milestones AS request
MATCH (n:Claim {id: request.source})
RETURN request.index AS request,
  COUNT { (n)-[:HAS_MILESTONE]->(m:Milestone) WHERE NOT (request.hides_event AND m.kind = 'EVENT') } AS total
UNION ALL
UNWIND $requests.evidence AS request
CALL (request) {
  WITH request.source AS source, request.is_bounded AS is_bounded
  WHERE NOT is_bounded
  MATCH (n:Claim {id: source})
  RETURN COUNT { (n)<-[:UPDATES]-() } AS total
  UNION ALL
  WITH request.low AS low, request.high AS high, request.is_bounded AS is_bounded
  WHERE is_bounded
  MATCH (n:Evidence)
  USING INDEX SEEK n:Evidence(ledger_key)
  WHERE n.ledger_key > low AND n.ledger_key < high
  WITH low, count(n) AS total
  RETURN total
}
RETURN request.index AS request, total
UNION ALL
UNWIND $requests.validations AS request
MATCH (n:Claim {id: request.source})
RETURN request.index AS request, COUNT { (n)<-[:CHECKS]-() } AS total
UNION ALL
UNWIND $requests.exposures AS request
MATCH (n:Claim {id: request.source})
RETURN request.index AS request, CASE WHEN 'BENEFITS' IN request.signs THEN COUNT { (n)-[:BENEFITS]->() } ELSE 0 END
  + CASE WHEN 'HARMS' IN request.signs THEN COUNT { (n)-[:HARMS]->() } ELSE 0 END AS total
UNION ALL
UNWIND $requests.documents AS request
MATCH (n:Claim {id: request.source})
RETURN request.index AS request, COUNT { (n)<-[:ABOUT]-() } AS total
UNION ALL
UNWIND $requests.incoming AS request
MATCH (n:Claim {id: request.source})
RETURN request.index AS request, CASE WHEN 'PREREQUISITE_OF' IN request.kinds THEN COUNT { (n)<-[:PREREQUISITE_OF]-() } ELSE 0 END
  + CASE WHEN 'KILLS' IN request.kinds THEN COUNT { (n)<-[:KILLS]-() } ELSE 0 END
  + CASE WHEN 'CORRELATES_WITH' IN request.kinds THEN COUNT { (n)<-[:CORRELATES_WITH]-() } ELSE 0 END AS total
UNION ALL
UNWIND $requests.outgoing AS request
MATCH (n:Claim {id: request.source})
RETURN request.index AS request, CASE WHEN 'PREREQUISITE_OF' IN request.kinds THEN COUNT { (n)-[:PREREQUISITE_OF]->() } ELSE 0 END
  + CASE WHEN 'KILLS' IN request.kinds THEN COUNT { (n)-[:KILLS]->() } ELSE 0 END
  + CASE WHEN 'CORRELATES_WITH' IN request.kinds THEN COUNT { (n)-[:CORRELATES_WITH]->() } ELSE 0 END AS total
UNION ALL
UNWIND $requests.predictor_predictions AS request
MATCH (n:Predictor {id: request.source})
RETURN request.index AS request, COUNT { (n)-[:MADE]->() } AS total
UNION ALL
UNWIND $requests.reference_class_predictions AS request
MATCH (n:ReferenceClass {id: request.source})
RETURN request.index AS request, COUNT { (n)<-[:IN_CLASS]-() } AS total
UNION ALL
UNWIND $requests.domain_predictions AS request
MATCH (n:Domain {id: request.source})
RETURN request.index AS request, COUNT { (n)<-[:IN_DOMAIN]-(:Prediction) } AS total
UNION ALL
UNWIND $requests.episode_predictions AS request
MATCH (n:Episode {id: request.source})
RETURN request.index AS request, COUNT { (n)<-[:STATED_IN]-() } AS total
UNION ALL
UNWIND $requests.ticker_exposures AS request
MATCH (n:Ticker {symbol: request.source})
RETURN request.index AS request, CASE WHEN 'BENEFITS' IN request.signs THEN COUNT { (n)<-[:BENEFITS]-() } ELSE 0 END
  + CASE WHEN 'HARMS' IN request.signs THEN COUNT { (n)<-[:HARMS]-() } ELSE 0 END AS total
UNION ALL
UNWIND $requests.document_claims AS request
MATCH (n:Document {id: request.source})
RETURN request.index AS request, COUNT { (n)-[:ABOUT]->() } AS total
UNION ALL
UNWIND $requests.forecasts AS request
MATCH (n:Claim {id: request.source})
RETURN request.index AS request, COUNT { (n)<-[:FORECASTS]-() } AS total
UNION ALL
UNWIND $requests.predictor_forecasts AS request
MATCH (n:Predictor {id: request.source})
RETURN request.index AS request, COUNT { (n)-[:FORECASTS]->() } AS total
