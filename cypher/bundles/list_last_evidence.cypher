// The key of each claim's last ledger row, null where it has none. $claims: `id`, `low` and `high`, between which the keys lie.
UNWIND $claims AS asked
CALL (asked) {
  OPTIONAL MATCH (evidence:Evidence)
  USING INDEX SEEK evidence:Evidence(ledger_key)
  WHERE evidence.ledger_key > asked.low AND evidence.ledger_key < asked.high
  RETURN evidence.ledger_key AS last_key
  ORDER BY last_key DESC
  LIMIT 1
}
WITH asked, last_key
WHERE last_key IS NOT NULL
RETURN collect([asked.id, last_key]) AS last
