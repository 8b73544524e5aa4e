// Takes a reference class for writing and counts what refers to it; no row where there is none. $id: the class.
MATCH (class:ReferenceClass {id: $id})
SET class._lock = true
REMOVE class._lock
RETURN COUNT { (class)<-[:IN_CLASS]-() } AS predictions,
  COUNT {
    MATCH (evidence:Evidence)
    WHERE evidence.reference_class_id = class.id
  } AS evidence
