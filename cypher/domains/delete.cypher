// Deletes a domain that nothing refers to. $id: the domain. Returns how many were deleted.
MATCH (domain:Domain {id: $id})
DELETE domain
RETURN count(*) AS num_deleted
