// Writes each exposure of a ticker to a prediction. $rows: properties, absent ones as null.
// Returns the ids of the new and of those that differed in one row; an edge without its page keys has just been made.
UNWIND $rows AS row
MATCH (prediction:Claim {id: row.prediction_id})
CALL (row) {
  MATCH (ticker:Ticker {symbol: row.symbol})
  RETURN ticker
}
CALL (row, prediction, ticker) {
  WITH prediction, ticker, row
  WHERE row.sign = 'BENEFITS'
  MERGE (prediction)-[edge:BENEFITS]->(ticker)
  RETURN edge
  UNION ALL
  WITH prediction, ticker, row
  WHERE row.sign = 'HARMS'
  MERGE (prediction)-[edge:HARMS]->(ticker)
  RETURN edge
}
WITH row, edge, edge.prediction_key IS NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(edge[key] = row[key], edge[key] IS NULL AND row[key] IS NULL))
SET edge += row
WITH row.sign + '|' + row.prediction_id + '|' + row.symbol AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
