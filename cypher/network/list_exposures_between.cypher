// The exposures that the graph has between some predictions and tickers, in one record: sign, prediction, ticker and impact, null
// without one. $pairs: a prediction and a ticker each.
UNWIND $pairs AS pair
MATCH (prediction:Claim {id: pair[0]})
CALL (pair) {
  MATCH (ticker:Ticker {symbol: pair[1]})
  RETURN ticker
}
CALL (prediction, ticker) {
  MATCH (prediction)-[edge:#exposure_signs]->(ticker)
  RETURN edge
}
RETURN collect([type(edge), prediction.id, ticker.symbol, edge.impact]) AS rows
