// The sums after each row of claims' ledgers, in the order of the claims and of their ledgers, in one record of columns: the claim's
// place in $claims, the row's id, when it was recorded in microseconds since 1970, the inside log-odds, and the part of them that comes
// from missed check-ins. $claims: `index`, and `low` and `high`, between which the ledger's keys lie.
UNWIND $claims AS asked
CALL (asked) {
  MATCH (row:Evidence)
  USING INDEX SEEK row:Evidence(ledger_key)
  WHERE row.ledger_key > asked.low AND row.ledger_key < asked.high
  WITH properties(row) AS own
  ORDER BY own.ledger_key
  RETURN collect([asked.index, own.id, own.recorded_at.epochMillis * 1000 + own.recorded_at.microsecond % 1000,
    own.inside_log_odds, coalesce(own.check_in_log_odds, 0.0)]) AS rows
}
WITH asked, rows
ORDER BY asked.index
UNWIND rows AS row
WITH collect(row) AS rows
RETURN [place IN range(0, 4) | [row IN rows | row[place]]] AS columns
