// Deletes an episode that nothing refers to. $id: the episode. Returns how many were deleted.
MATCH (episode:Episode {id: $id})
DELETE episode
RETURN count(*) AS num_deleted
