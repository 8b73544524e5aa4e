// Deletes a ticker that nothing refers to. $id: its symbol. Returns how many were deleted.
MATCH (ticker:Ticker {symbol: $id})
DELETE ticker
RETURN count(*) AS num_deleted
