// A page of all tickers by id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (ticker:Ticker)
WHERE ticker.symbol > $after
RETURN ticker.symbol AS key, properties(ticker) AS row
ORDER BY key
LIMIT $limit
