// Writes each Scenario that is new or differs; returns the ids of the new and of the others in one row.
// $rows: `row`, properties, absent ones as null; `derived`, what a new one gets besides and an old one keeps.
// The label comes before the properties, so that each index is told once of all of them.
// Moments come as text, which a client makes in a hundredth of the time that its datetimes take.
UNWIND $rows AS entry
WITH entry.row AS row, entry.derived AS derived
WITH row {.*, resolved_at: datetime(row.resolved_at), window_start: datetime(row.window_start),
    window_end: datetime(row.window_end), deadline: datetime(row.deadline)} AS row,
  derived {.*, last_recorded_at: datetime(derived.last_recorded_at), posterior_as_of: datetime(derived.posterior_as_of)}
    AS derived
MERGE (claim:Claim {id: row.id})
ON CREATE SET claim:Scenario, claim._is_new = true
WITH claim, row, derived, claim._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(claim[key] = row[key], claim[key] IS NULL AND row[key] IS NULL))
SET claim += row
SET claim += CASE WHEN is_new THEN derived ELSE {} END
REMOVE claim._is_new
WITH claim.id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
