// Removes an exposure. $sign: its type; $prediction_id, $symbol: its ends. Returns how many were removed: one or none.
UNWIND [$prediction_id] AS prediction_id
MATCH (prediction:Claim {id: prediction_id})
UNWIND [$symbol] AS symbol
MATCH (ticker:Ticker {symbol: symbol})
WITH prediction, ticker
MATCH (prediction)-[edge:BENEFITS|HARMS]->(ticker)
WHERE type(edge) = $sign
DELETE edge
RETURN count(*) AS num_removed
