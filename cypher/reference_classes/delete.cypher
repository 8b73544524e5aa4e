// Deletes a reference class that nothing refers to. $id: the class. Returns how many were deleted.
MATCH (class:ReferenceClass {id: $id})
DELETE class
RETURN count(*) AS num_deleted
