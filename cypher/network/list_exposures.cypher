// What claims do to tickers where somebody has said by how much: a record a ticker. $ids: claims.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
CALL (claim) {
  MATCH (claim)-[edge:#exposure_signs]->(ticker:Ticker)
  WHERE edge.impact IS NOT NULL
  RETURN edge.impact AS impact, ticker.symbol AS symbol
}
WITH symbol, collect([id, impact]) AS impacts
RETURN symbol, impacts
ORDER BY symbol
