// Sets moments of claims: of the last ledger row, and of the setting followed. $claims: `id`, `last_recorded_at` and `setting_at` as
// text, null for none.
UNWIND $claims AS entry
MATCH (claim:Claim {id: entry.id})
SET claim.last_recorded_at = datetime(entry.last_recorded_at), claim.setting_at = datetime(entry.setting_at)
RETURN count(claim) AS num_claims
