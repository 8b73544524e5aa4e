// The neighbours of claims.
// Returns for each request its index and, of each row, page key, labels, asked properties and the relationship's.
// $requests: requests by relation, each with index, source (an id), properties and link (names to return) and, where
// there may be many rows, low and high (the page keys lie between them, both excluded). A request for milestones also has
// hides_event, one for exposures signs and one for incoming or outgoing kinds (the types to follow).
// $limits: the most rows of a request, by relation.
// Both are maps because a plan is kept by the types of its parameters, and an empty list is of another type than a full
// one.
UNWIND $requests.predictor AS request
MATCH (source:Claim {id: request.source})<-[:MADE]-(n:Predictor)
USING INDEX SEEK source:Claim(id)
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.episode AS request
MATCH (source:Claim {id: request.source})-[:STATED_IN]->(n:Episode)
USING INDEX SEEK source:Claim(id)
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.reference_class AS request
MATCH (source:Claim {id: request.source})-[:IN_CLASS]->(n:ReferenceClass)
USING INDEX SEEK source:Claim(id)
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.domain AS request
MATCH (source:Claim {id: request.source})-[:IN_DOMAIN]->(n:Domain)
USING INDEX SEEK source:Claim(id)
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.milestones AS request
CALL (request) {
  MATCH (n:Milestone)
  USING INDEX SEEK n:Milestone(chain_key)
  WHERE n.chain_key > request.low AND n.chain_key < request.high
    AND NOT (request.hides_event AND n.kind = 'EVENT')
  RETURN n
  ORDER BY n.chain_key
  LIMIT $limits.milestones
}
RETURN request.index AS request, n.chain_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.evidence AS request
CALL (request) {
  MATCH (n:Evidence)
  USING INDEX SEEK n:Evidence(ledger_key)
  WHERE n.ledger_key > request.low AND n.ledger_key < request.high
  RETURN n
  ORDER BY n.ledger_key DESC
  LIMIT $limits.evidence
}
RETURN request.index AS request, n.ledger_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.validations AS request
CALL (request) {
  MATCH (n:Validation)
  USING INDEX SEEK n:Validation(check_key)
  WHERE n.check_key > request.low AND n.check_key < request.high
  RETURN n
  ORDER BY n.check_key DESC
  LIMIT $limits.validations
}
RETURN request.index AS request, n.check_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.exposures AS request
CALL (request) {
  WITH request.low AS low, request.high AS high, request.signs AS signs
  WHERE 'BENEFITS' IN signs
  MATCH ()-[edge:BENEFITS]->(n:Ticker)
  USING INDEX SEEK edge:BENEFITS(prediction_key)
  WHERE edge.prediction_key > low AND edge.prediction_key < high
  RETURN edge, n
  ORDER BY edge.prediction_key
  LIMIT $limits.exposures
  UNION ALL
  WITH request.low AS low, request.high AS high, request.signs AS signs
  WHERE 'HARMS' IN signs
  MATCH ()-[edge:HARMS]->(n:Ticker)
  USING INDEX SEEK edge:HARMS(prediction_key)
  WHERE edge.prediction_key > low AND edge.prediction_key < high
  RETURN edge, n
  ORDER BY edge.prediction_key
  LIMIT $limits.exposures
}
RETURN request.index AS request, edge.prediction_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [name IN request.link | edge[name]] AS link
UNION ALL
UNWIND $requests.documents AS request
CALL (request) {
  MATCH (n:Document)-[edge:ABOUT]->()
  USING INDEX SEEK edge:ABOUT(claim_key)
  WHERE edge.claim_key > request.low AND edge.claim_key < request.high
  RETURN edge, n
  ORDER BY edge.claim_key DESC
  LIMIT $limits.documents
}
RETURN request.index AS request, edge.claim_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [name IN request.link | edge[name]] AS link
UNION ALL
UNWIND $requests.incoming AS request
CALL (request) {
  WITH request.low AS low, request.high AS high, request.kinds AS kinds
  WHERE 'PREREQUISITE_OF' IN kinds
  MATCH (n:Claim)-[edge:PREREQUISITE_OF]->()
  USING INDEX SEEK edge:PREREQUISITE_OF(incoming_key)
  WHERE edge.incoming_key > low AND edge.incoming_key < high
  RETURN edge, n
  ORDER BY edge.incoming_key
  LIMIT $limits.incoming
  UNION ALL
  WITH request.low AS low, request.high AS high, request.kinds AS kinds
  WHERE 'KILLS' IN kinds
  MATCH (n:Claim)-[edge:KILLS]->()
  USING INDEX SEEK edge:KILLS(incoming_key)
  WHERE edge.incoming_key > low AND edge.incoming_key < high
  RETURN edge, n
  ORDER BY edge.incoming_key
  LIMIT $limits.incoming
  UNION ALL
  WITH request.low AS low, request.high AS high, request.kinds AS kinds
  WHERE 'CORRELATES_WITH' IN kinds
  MATCH (n:Claim)-[edge:CORRELATES_WITH]->()
  USING INDEX SEEK edge:CORRELATES_WITH(incoming_key)
  WHERE edge.incoming_key > low AND edge.incoming_key < high
  RETURN edge, n
  ORDER BY edge.incoming_key
  LIMIT $limits.incoming
}
RETURN request.index AS request, edge.incoming_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [name IN request.link | edge[name]] AS link
UNION ALL
UNWIND $requests.outgoing AS request
CALL (request) {
  WITH request.low AS low, request.high AS high, request.kinds AS kinds
  WHERE 'PREREQUISITE_OF' IN kinds
  MATCH ()-[edge:PREREQUISITE_OF]->(n:Claim)
  USING INDEX SEEK edge:PREREQUISITE_OF(outgoing_key)
  WHERE edge.outgoing_key > low AND edge.outgoing_key < high
  RETURN edge, n
  ORDER BY edge.outgoing_key
  LIMIT $limits.outgoing
  UNION ALL
  WITH request.low AS low, request.high AS high, request.kinds AS kinds
  WHERE 'KILLS' IN kinds
  MATCH ()-[edge:KILLS]->(n:Claim)
  USING INDEX SEEK edge:KILLS(outgoing_key)
  WHERE edge.outgoing_key > low AND edge.outgoing_key < high
  RETURN edge, n
  ORDER BY edge.outgoing_key
  LIMIT $limits.outgoing
  UNION ALL
  WITH request.low AS low, request.high AS high, request.kinds AS kinds
  WHERE 'CORRELATES_WITH' IN kinds
  MATCH ()-[edge:CORRELATES_WITH]->(n:Claim)
  USING INDEX SEEK edge:CORRELATES_WITH(outgoing_key)
  WHERE edge.outgoing_key > low AND edge.outgoing_key < high
  RETURN edge, n
  ORDER BY edge.outgoing_key
  LIMIT $limits.outgoing
}
RETURN request.index AS request, edge.outgoing_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [name IN request.link | edge[name]] AS link
UNION ALL
UNWIND $requests.forecasts AS request
CALL (request) {
  MATCH (n:Predictor)-[edge:FORECASTS]->()
  USING INDEX SEEK edge:FORECASTS(forecast_key)
  WHERE edge.forecast_key > request.low AND edge.forecast_key < request.high
  RETURN edge, n
  ORDER BY edge.forecast_key DESC
  LIMIT $limits.forecasts
}
RETURN request.index AS request, edge.forecast_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [name IN request.link | edge[name]] AS link
