// Makes those who save queries take turns until the transaction ends.
MERGE (lock:Graph {id: 'saved queries'})
SET lock._lock = true
REMOVE lock._lock
RETURN lock.id AS id
