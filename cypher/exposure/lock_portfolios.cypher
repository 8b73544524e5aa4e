// Makes those who save portfolios take turns until the transaction ends.
MERGE (lock:Graph {id: 'portfolios'})
SET lock._lock = true
REMOVE lock._lock
RETURN lock.id AS id
