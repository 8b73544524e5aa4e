// A page of the receipts of requests with a key, in one record, with its last key. $after: the last key of the page before, '' at
// first. $limit: receipts.
MATCH (receipt:Receipt)
USING INDEX SEEK receipt:Receipt(key)
WHERE receipt.key > $after AND receipt.expiry_key IS NULL
WITH receipt
ORDER BY receipt.key
LIMIT $limit
RETURN collect(receipt {.key, .mutation, .fingerprint, .answer, .recorded_at, .caller}) AS rows, max(receipt.key) AS last_key
