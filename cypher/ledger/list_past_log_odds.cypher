// The inside log-odds of claims by the evidence recorded by some moment: for each claim a record, null before any evidence.
// $claims: `id`, `low` and `high`, between which the keys of its ledger by then lie.
UNWIND range(0, size($claims) - 1) AS index
WITH index, $claims[index] AS asked
CALL (asked) {
  MATCH (evidence:Evidence)
  USING INDEX SEEK evidence:Evidence(ledger_key)
  WHERE evidence.ledger_key > asked.low AND evidence.ledger_key < asked.high
  WITH evidence
  ORDER BY evidence.ledger_key DESC
  LIMIT 1
  RETURN head(collect(evidence.inside_log_odds)) AS log_odds
}
RETURN log_odds
ORDER BY index
