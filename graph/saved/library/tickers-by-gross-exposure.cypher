// description: Tickers by gross exposure: the sum of |impact| times posterior over the open predictions that move them.
// version: 1
// parameter: limit INTEGER = 50: Most rows.
MATCH (ticker:Ticker)<-[exposure:BENEFITS|HARMS]-(prediction:Prediction {status: 'OPEN'})
WITH ticker, exposure, exposure.impact * prediction.posterior AS expected
RETURN ticker.symbol AS symbol, ticker.name AS name, sum(abs(expected)) AS gross, sum(expected) AS net,
  count(exposure) AS exposure_count, count(expected) AS with_impact_count
ORDER BY gross DESC, symbol
LIMIT $limit
