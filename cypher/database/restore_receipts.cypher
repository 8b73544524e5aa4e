// Notes answers that were given before; a receipt that there is stays as it is. $rows: the receipts' properties, moments as text. Returns
// how many are new.
UNWIND $rows AS row
MERGE (receipt:Receipt {key: row.key})
ON CREATE SET
  receipt._is_new = true,
  receipt.mutation = row.mutation,
  receipt.fingerprint = row.fingerprint,
  receipt.answer = row.answer,
  receipt.caller = row.caller,
  receipt.recorded_at = datetime(row.recorded_at)
WITH receipt, receipt._is_new IS NOT NULL AS is_new
REMOVE receipt._is_new
RETURN count(CASE WHEN is_new THEN receipt END) AS num_created
