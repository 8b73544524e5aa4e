// Nodes by id.
// Returns for each request its index, the rows' page keys, labels, asked properties and the relationship's asked properties.
// $requests: lists of requests by relation: index, source (an id), properties and link (names to return) and, where there
// may be many rows, low and high (the page keys lie between them, both excluded); $limits: the most rows, by relation.
// They are maps because a plan is kept by the types of its parameters, and an empty list is of another type than a full one.
UNWIND $requests.claim AS request
MATCH (n:Claim {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.predictor AS request
MATCH (n:Predictor {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.reference_class AS request
MATCH (n:ReferenceClass {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.milestone AS request
MATCH (n:Milestone {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.evidence AS request
MATCH (n:Evidence {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.validation AS request
MATCH (n:Validation {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.ticker AS request
MATCH (n:Ticker {symbol: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.document AS request
MATCH (n:Document {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.episode AS request
MATCH (n:Episode {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.domain AS request
MATCH (n:Domain {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
