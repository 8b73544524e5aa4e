// Writes each Ticker that is new or differs; returns the ids of the new and of the others in one row.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (ticker:Ticker {symbol: row.symbol})
ON CREATE SET ticker._is_new = true
WITH ticker, row, ticker._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(ticker[key] = row[key], ticker[key] IS NULL AND row[key] IS NULL))
SET ticker += row
REMOVE ticker._is_new
WITH ticker.symbol AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
