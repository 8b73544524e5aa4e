// Outcomes of reference classes' members that came true or false, each with the moment since when it counts, as it is known and due
// then: a record for each class, in the order of these moments, which are in microseconds. $ids: the ids of classes.
UNWIND $ids AS id
CALL (id) {
  MATCH (:ReferenceClass {id: id})<-[:IN_CLASS]-(claim:Prediction)
  WHERE claim.status IN ['RESOLVED_TRUE', 'RESOLVED_FALSE'] AND claim.resolved_at IS NOT NULL
  WITH claim, CASE WHEN claim.deadline > claim.resolved_at THEN claim.deadline ELSE claim.resolved_at END AS counted_at
  ORDER BY counted_at, claim.id
  RETURN collect([claim.status = 'RESOLVED_TRUE', counted_at.epochMillis * 1000 + counted_at.microsecond % 1000]) AS outcomes
}
RETURN id, outcomes
ORDER BY id
