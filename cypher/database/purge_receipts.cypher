// Removes receipts that have expired. $high: the expiry key of now; $limit: the most to remove. Returns how many went.
MATCH (receipt:Receipt)
USING INDEX SEEK receipt:Receipt(expiry_key)
WHERE receipt.expiry_key > '' AND receipt.expiry_key < $high
WITH receipt
ORDER BY receipt.expiry_key
LIMIT $limit
DELETE receipt
RETURN count(receipt) AS num_receipts
