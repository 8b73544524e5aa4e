// What claims do to tickers: a record a ticker, with its exposures to each claim that has one with an impact, as the claim's id and
// pairs of sign and impact, null without one. $ids: claims.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
CALL (claim) {
  MATCH (claim)-[edge:#exposure_signs]->(ticker:Ticker)
  WITH ticker, collect([type(edge), edge.impact]) AS impacts
  WHERE any(entry IN impacts WHERE entry[1] IS NOT NULL)
  RETURN ticker.symbol AS symbol, impacts
}
WITH symbol, collect([id, impacts]) AS exposures
RETURN symbol, exposures
ORDER BY symbol
