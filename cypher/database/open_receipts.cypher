// Takes the receipts of several requests, then the claims that they will change, each in the order given. $keys: the receipts' keys;
// $claim_ids: claims. Returns what was receipted before under those of the keys that were known.
CALL () {
  UNWIND $keys AS key
  MERGE (receipt:Receipt {key: key})
  SET receipt._lock = true
  REMOVE receipt._lock
  RETURN collect(CASE WHEN receipt.answer IS NOT NULL THEN receipt {.key, .mutation, .fingerprint, .answer} END) AS known
}
CALL () {
  UNWIND $claim_ids AS id
  MATCH (claim:Claim {id: id})
  SET claim._lock = true
  REMOVE claim._lock
  RETURN count(claim) AS num_claims
}
RETURN known, num_claims
