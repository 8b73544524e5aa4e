// Makes the writers of claims, influences and ledger take turns until the transaction ends.
MERGE (lock:Graph {id: 'writers'})
SET lock._lock = true
REMOVE lock._lock
RETURN lock.id AS id
