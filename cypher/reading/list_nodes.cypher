// A page of all nodes of one subject, by id. $subject: a label; $after: the last id of the page before, '' at first;
// $properties: names to return. $limit: rows.
CALL () {
  WITH $after AS after
  WHERE $subject = 'Claim'
  MATCH (n:Claim)
  WHERE n.id > after
  RETURN n, n.id AS key
  ORDER BY key
  LIMIT $limit
  UNION ALL
  WITH $after AS after
  WHERE $subject = 'Scenario'
  MATCH (n:Scenario)
  WHERE n.id > after
  RETURN n, n.id AS key
  ORDER BY key
  LIMIT $limit
  UNION ALL
  WITH $after AS after
  WHERE $subject = 'Killer'
  MATCH (n:Killer)
  WHERE n.id > after
  RETURN n, n.id AS key
  ORDER BY key
  LIMIT $limit
  UNION ALL
  WITH $after AS after
  WHERE $subject = 'Predictor'
  MATCH (n:Predictor)
  WHERE n.id > after
  RETURN n, n.id AS key
  ORDER BY key
  LIMIT $limit
  UNION ALL
  WITH $after AS after
  WHERE $subject = 'ReferenceClass'
  MATCH (n:ReferenceClass)
  WHERE n.id > after
  RETURN n, n.id AS key
  ORDER BY key
  LIMIT $limit
  UNION ALL
  WITH $after AS after
  WHERE $subject = 'Ticker'
  MATCH (n:Ticker)
  WHERE n.symbol > after
  RETURN n, n.symbol AS key
  ORDER BY key
  LIMIT $limit
  UNION ALL
  WITH $after AS after
  WHERE $subject = 'Document'
  MATCH (n:Document)
  WHERE n.id > after
  RETURN n, n.id AS key
  ORDER BY key
  LIMIT $limit
  UNION ALL
  WITH $after AS after
  WHERE $subject = 'Episode'
  MATCH (n:Episode)
  WHERE n.id > after
  RETURN n, n.id AS key
  ORDER BY key
  LIMIT $limit
  UNION ALL
  WITH $after AS after
  WHERE $subject = 'Domain'
  MATCH (n:Domain)
  WHERE n.id > after
  RETURN n, n.id AS key
  ORDER BY key
  LIMIT $limit
}
RETURN key, labels(n) AS labels, [name IN $properties | n[name]] AS properties
ORDER BY key
