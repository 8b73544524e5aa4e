// Which ledger rows hold idempotency keys: pairs of key and id in one record. $keys: idempotency keys.
UNWIND $keys AS key
MATCH (evidence:Evidence {idempotency_key: key})
WITH evidence
ORDER BY evidence.id
RETURN collect([evidence.idempotency_key, evidence.id]) AS holders
