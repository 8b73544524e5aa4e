// Takes the receipt of a request, which makes the same request wait, then the claims that it will change, in the order given.
// $key: the receipt's key; $claim_ids: claims in order. Returns what was receipted under the key before, nulls where nothing was.
MERGE (receipt:Receipt {key: $key})
SET receipt._lock = true
REMOVE receipt._lock
WITH receipt
CALL () {
  UNWIND $claim_ids AS id
  MATCH (claim:Claim {id: id})
  SET claim._lock = true
  REMOVE claim._lock
  RETURN count(claim) AS num_claims
}
RETURN receipt.mutation AS mutation, receipt.fingerprint AS fingerprint, receipt.answer AS answer, num_claims
