// Deletes a #label that nothing refers to. $id: its #key. Returns how many were deleted.
MATCH (node:#label {#key: $id})
DELETE node
RETURN count(*) AS num_deleted
