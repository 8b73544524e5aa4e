// Waits until the indexes have all that they are of, as those of a new migration soon do. $timeout_seconds: the most seconds.
CALL db.awaitIndexes($timeout_seconds)
RETURN true AS are_online
