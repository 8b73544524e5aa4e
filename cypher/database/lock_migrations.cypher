// Holds every other starter back until the transaction ends. The node has a unique id, so two starters meet on it.
MERGE (lock:Graph {id: 'migrations'})
SET lock._lock = true
REMOVE lock._lock
RETURN lock.id AS id
