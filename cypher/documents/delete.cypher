// Deletes a document that nothing refers to. $id: the document. Returns how many were deleted.
MATCH (document:Document {id: $id})
DELETE document
RETURN count(*) AS num_deleted
