// A page of all claims by id, of those that came true with a deadline the year, the start and the end of the window, and the outcome,
// moments in microseconds; in one record, with the last id. $after: the last id of the page before, '' at first. $limit: claims.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
RETURN collect(CASE WHEN claim.status = 'RESOLVED_TRUE' AND claim.deadline IS NOT NULL THEN [claim.from_year,
  claim.window_start.epochMillis * 1000 + claim.window_start.microsecond % 1000,
  claim.window_end.epochMillis * 1000 + claim.window_end.microsecond % 1000,
  claim.resolved_at.epochMillis * 1000 + claim.resolved_at.microsecond % 1000] END) AS claims,
  count(claim) AS num_claims, max(claim.id) AS last_id
