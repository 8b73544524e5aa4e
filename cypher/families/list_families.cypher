// Families as recorded by a moment, by name; deleted ones are left out. $known_at: the moment; $claim_ids: only families with one of
// these members, null for all; $limit: the most.
MATCH (family:ClaimFamily)
USING INDEX SEEK family:ClaimFamily(id)
WHERE family.id > '' AND family.recorded_at <= $known_at
WITH family.name AS name, max(family.id) AS id
MATCH (latest:ClaimFamily {id: id})
WHERE latest.is_deleted IS NULL AND ($claim_ids IS NULL OR any(claim_id IN latest.member_claim_id WHERE claim_id IN $claim_ids))
RETURN properties(latest) AS family
ORDER BY latest.name
LIMIT $limit
