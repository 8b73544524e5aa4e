// Which of some symbols the graph has a ticker of: a record each. $symbols: symbols.
UNWIND $symbols AS symbol
MATCH (ticker:Ticker {symbol: symbol})
RETURN ticker.symbol AS symbol
