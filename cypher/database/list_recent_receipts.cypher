// The receipts of requests with a key that were written since a moment, in one record. $moment: the moment.
MATCH (receipt:Receipt)
USING INDEX SEEK receipt:Receipt(recorded_at)
WHERE receipt.recorded_at >= $moment AND receipt.expiry_key IS NULL
WITH receipt
ORDER BY receipt.key
RETURN collect(receipt {.key, .mutation, .fingerprint, .answer, .recorded_at, .caller}) AS rows
