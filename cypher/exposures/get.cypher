// An exposure's properties, no row where there is none. $sign: its type; $prediction_id, $symbol: its ends.
UNWIND [$prediction_id] AS prediction_id
MATCH (prediction:Claim {id: prediction_id})
UNWIND [$symbol] AS symbol
MATCH (ticker:Ticker {symbol: symbol})
WITH prediction, ticker
MATCH (prediction)-[edge:BENEFITS|HARMS]->(ticker)
WHERE type(edge) = $sign
RETURN properties(edge) AS properties
