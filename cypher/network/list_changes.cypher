// Which claims revisions changed, the first of them the one given: one record of revision, the moment that it was raised in
// microseconds, and the claims and other rows as `raise_revision` took them. $revision: where to begin; $limit: revisions.
MATCH (change:Change)
USING INDEX SEEK change:Change(revision)
WHERE change.revision >= $revision
WITH change
ORDER BY change.revision
LIMIT $limit
RETURN collect([change.revision, change.revised_at.epochMillis * 1000 + change.revised_at.microsecond % 1000,
  change.claim_ids, change.child_ids, change.row_ids]) AS changes
