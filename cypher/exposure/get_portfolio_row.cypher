// Whose a row of a portfolio is and since when it holds; no row if there is none. $id: its id.
MATCH (portfolio:Portfolio {id: $id})
RETURN portfolio.name AS name, portfolio.held_at AS held_at
