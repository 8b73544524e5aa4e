// Takes a ticker for writing and counts what refers to it; no row where there is none. $id: its symbol.
MATCH (ticker:Ticker {symbol: $id})
SET ticker._lock = true
REMOVE ticker._lock
RETURN COUNT { (ticker)<-[:BENEFITS|HARMS]-() } AS exposures
