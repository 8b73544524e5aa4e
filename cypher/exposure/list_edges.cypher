// Exposures of tickers: a record for each ticker that is there, with its symbol, exchange, sector, country and currency, and columns
// with an entry for each exposure: the prediction's id, the sign, relevance, impact and lag in days, the prediction's deadline in seconds since
// 1970 and its domain, and the impact's range; null where a value is not known. $symbols: tickers.
UNWIND $symbols AS symbol
MATCH (ticker:Ticker {symbol: symbol})
CALL (ticker) {
  MATCH (ticker)<-[edge:#exposure_signs]-(claim:Prediction)
  RETURN collect([claim.id, type(edge), edge.relevance, edge.impact, edge.lag_days, claim.deadline.epochSeconds,
    claim.domain_id, edge.impact_low, edge.impact_high]) AS edges
}
RETURN ticker.symbol AS symbol, ticker.exchange AS exchange, ticker.sector AS sector,
  ticker.country AS country, ticker.currency AS currency,
  [edge IN edges | edge[0]] AS claim_ids, [edge IN edges | edge[1]] AS signs, [edge IN edges | edge[2]] AS relevances,
  [edge IN edges | edge[3]] AS impacts, [edge IN edges | edge[4]] AS lag_days, [edge IN edges | edge[5]] AS deadlines,
  [edge IN edges | edge[6]] AS domain_ids, [edge IN edges | edge[7]] AS lows, [edge IN edges | edge[8]] AS highs
