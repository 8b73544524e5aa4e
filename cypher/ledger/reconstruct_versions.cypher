// Makes the versions of closed claims that have none, where the ledger tells when the outcome was recorded: one before it, one with
// it, and one as of now. The first two say that other values may have been different. $ids: claims; $at: now, in microseconds.
// Returns for how many it made some.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
WHERE claim.num_versions IS NULL AND claim.resolved_at IS NOT NULL
CALL (claim) {
  MATCH (row:Evidence)
  USING INDEX SEEK row:Evidence(ledger_key)
  WHERE row.ledger_key > claim.id + '!' AND row.ledger_key < claim.id + '"' AND row.evidence_kind IN ['resolution', 'annulment']
  RETURN row.recorded_at.epochMillis * 1000 + row.recorded_at.microsecond % 1000 AS decided
  ORDER BY row.ledger_key DESC
  LIMIT 1
}
WITH claim, decided
WHERE decided < $at
UNWIND [[1, decided - 1, true], [2, decided, true], [3, $at, null]] AS entry
WITH claim, entry[0] AS number, entry[1] AS at, entry[2] AS is_reconstructed
WITH claim, number, at, is_reconstructed,
  datetime({epochSeconds: at / 1000000, nanosecond: at % 1000000 * 1000}) AS recorded_at
CREATE (version:Version {id: 'CLAIM!' + claim.id + '!' + toString(at), subject: 'CLAIM', subject_id: claim.id,
  number: number, recorded_at: recorded_at})
SET version.is_reconstructed = is_reconstructed,
  version.stated_probability = claim.stated_probability,
  version.from_year = claim.from_year,
  version.window_start = claim.window_start,
  version.window_end = claim.window_end,
  version.deadline = claim.deadline,
  version.reference_class_id = claim.reference_class_id,
  version.predictor_id = claim.predictor_id,
  version.status = CASE WHEN number = 1 THEN 'OPEN' ELSE claim.status END,
  version.resolved_at = CASE WHEN number > 1 THEN claim.resolved_at END,
  version.valid_at = CASE WHEN number > 1 THEN claim.resolved_at ELSE recorded_at END,
  version.record_key = CASE
    WHEN number > 1 AND claim.status IN ['RESOLVED_TRUE', 'RESOLVED_FALSE'] AND claim.stated_probability IS NOT NULL
    THEN claim.predictor_id + '!' + toString(at) + '!' + claim.id
  END,
  version.class_record_key = CASE
    WHEN number > 1 AND claim.status IN ['RESOLVED_TRUE', 'RESOLVED_FALSE']
    THEN claim.reference_class_id + '!' + toString(at) + '!' + claim.id
  END
WITH claim, number, recorded_at
WHERE number = 3
SET claim.num_versions = number, claim.versioned_at = recorded_at
RETURN count(claim) AS num_claims
