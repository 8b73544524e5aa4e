// The neighbours of tickers, those of each in the order of a neighbourhood: by an exposure's relevance; ties by id.
// Many tickers are asked for at once, and what reads nodes of any subject would cost them a third more.
// Returns one record with one list, an entry for each node: its place, subject, properties and neighbours. An entry for each
// neighbour: kind of relationship, whether that starts at the node, subject, id, the relationship's p_if_true, p_if_false,
// lag_days, relevance and impact, and properties.
// $requests: sources, each with id, subject and place; outgoing and incoming, the types of relationships to follow along and
// against their direction; places, by label and id those of nodes: neighbours of a lower place than the node's are left out
// where they show the same relationship; skip, share and reach, how many neighbours of each node to leave out and to return,
// and both together; properties and own, names to return of neighbours and of the nodes themselves.
// It is a map because a plan is kept by the types of its parameters, and an empty list is of another type than a full one.
UNWIND $requests.sources AS asked
MATCH (source:Ticker {symbol: asked.id})
USING INDEX SEEK source:Ticker(symbol)
CALL (asked, source) {
  CALL (asked, source) {
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'HARMS' IN $requests.incoming
    MATCH (n)-[edge:HARMS]->()
    USING INDEX SEEK edge:HARMS(ticker_key)
    WHERE edge.ticker_key > low AND edge.ticker_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'HARMS' AS kind, false AS is_outgoing, n, n.id AS id, edge AS link, substring(edge.ticker_key, size(low)) AS rank
    ORDER BY edge.ticker_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'BENEFITS' IN $requests.incoming
    MATCH (n)-[edge:BENEFITS]->()
    USING INDEX SEEK edge:BENEFITS(ticker_key)
    WHERE edge.ticker_key > low AND edge.ticker_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'BENEFITS' AS kind, false AS is_outgoing, n, n.id AS id, edge AS link, substring(edge.ticker_key, size(low)) AS rank
    ORDER BY edge.ticker_key
    LIMIT $requests.reach
  }
  WITH kind, is_outgoing, n, id, link, rank
  ORDER BY rank, kind
  SKIP $requests.skip
  LIMIT $requests.share
  RETURN collect([kind, is_outgoing, 'Prediction', id,
    [link.p_if_true, link.p_if_false, link.lag_days, link.relevance, link.impact],
    [name IN $requests.properties | n[name]]]) AS neighbors
}
RETURN collect([asked.place, 'Ticker',
  [name IN $requests.own | source[name]], neighbors]) AS pages
