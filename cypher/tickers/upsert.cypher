// Writes each Ticker that is new or differs; returns the ids of those, and whether each is new.
// $rows: properties, absent ones as null.
UNWIND $rows AS row
MERGE (ticker:Ticker {symbol: row.symbol})
ON CREATE SET ticker._is_new = true
WITH ticker, row, ticker._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(ticker[key] = row[key], ticker[key] IS NULL AND row[key] IS NULL))
SET ticker += row
REMOVE ticker._is_new
RETURN ticker.symbol AS id, is_new
