// Claims' whole ledgers in their order: a record each. $claims: `id`, `low` and `high`, between which the ledger's keys lie.
UNWIND $claims AS asked
CALL (asked) {
  MATCH (evidence:Evidence)
  USING INDEX SEEK evidence:Evidence(ledger_key)
  WHERE evidence.ledger_key > asked.low AND evidence.ledger_key < asked.high
  WITH evidence
  ORDER BY evidence.ledger_key
  RETURN collect(properties(evidence)) AS rows
}
RETURN asked.id AS id, rows
