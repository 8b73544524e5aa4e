// A page of all tickers by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (ticker:Ticker)
USING INDEX SEEK ticker:Ticker(symbol)
WHERE ticker.symbol > $after
WITH ticker
ORDER BY ticker.symbol
LIMIT $limit
RETURN collect(properties(ticker)) AS rows, max(ticker.symbol) AS last_key
