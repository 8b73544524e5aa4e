// How many nodes of one subject there are. $subject: a label.
CALL () {
  WITH $subject AS subject
  WHERE subject = 'Scenario'
  MATCH (n:Scenario)
  WHERE n.id > ''
  RETURN count(n) AS part
  UNION ALL
  WITH $subject AS subject
  WHERE subject = 'Killer'
  MATCH (n:Killer)
  WHERE n.id > ''
  RETURN count(n) AS part
  UNION ALL
  WITH $subject AS subject
  WHERE subject = 'Predictor'
  MATCH (n:Predictor)
  WHERE n.id > ''
  RETURN count(n) AS part
  UNION ALL
  WITH $subject AS subject
  WHERE subject = 'ReferenceClass'
  MATCH (n:ReferenceClass)
  WHERE n.id > ''
  RETURN count(n) AS part
  UNION ALL
  WITH $subject AS subject
  WHERE subject = 'Ticker'
  MATCH (n:Ticker)
  WHERE n.symbol > ''
  RETURN count(n) AS part
  UNION ALL
  WITH $subject AS subject
  WHERE subject = 'Document'
  MATCH (n:Document)
  WHERE n.id > ''
  RETURN count(n) AS part
  UNION ALL
  WITH $subject AS subject
  WHERE subject = 'Episode'
  MATCH (n:Episode)
  WHERE n.id > ''
  RETURN count(n) AS part
  UNION ALL
  WITH $subject AS subject
  WHERE subject = 'Domain'
  MATCH (n:Domain)
  WHERE n.id > ''
  RETURN count(n) AS part
}
RETURN sum(part) AS total
