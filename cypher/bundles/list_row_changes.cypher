// Which rows each revision after one changed: revision, claim_ids, child_ids and row_ids as `raise_revision` took them, in one record.
// $revision: the last revision that is known; $limit: revisions.
MATCH (change:Change)
USING INDEX SEEK change:Change(revision)
WHERE change.revision > $revision
WITH change
ORDER BY change.revision
LIMIT $limit
RETURN collect([change.revision, change.claim_ids, change.child_ids, change.row_ids]) AS changes
