// Writes each exposure of a ticker to a prediction.
// Returns the ids of those that are new or differ, and whether each is new. $rows: properties, absent ones as null.
UNWIND $rows AS row
MATCH (prediction:Claim {id: row.prediction_id})
WITH row, prediction
MATCH (ticker:Ticker {symbol: row.symbol})
CALL (row, prediction, ticker) {
  WITH prediction, ticker, row
  WHERE row.sign = 'BENEFITS'
  MERGE (prediction)-[edge:BENEFITS]->(ticker)
  ON CREATE SET edge._is_new = true
  RETURN edge
  UNION ALL
  WITH prediction, ticker, row
  WHERE row.sign = 'HARMS'
  MERGE (prediction)-[edge:HARMS]->(ticker)
  ON CREATE SET edge._is_new = true
  RETURN edge
}
WITH row, edge, edge._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(edge[key] = row[key], edge[key] IS NULL AND row[key] IS NULL))
SET edge += row
REMOVE edge._is_new
RETURN row.sign + '|' + row.prediction_id + '|' + row.symbol AS id, is_new
